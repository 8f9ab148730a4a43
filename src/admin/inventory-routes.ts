/** GET /subscriptions, masked as totals are; GET /alert-rules; POST /alert-rules takes a whole rules document. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { maskNumber } from '../log/mask.ts';
import { documentOf } from './document-routes.ts';
import { flag, limit, name, parseInput, wholeNumber } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const subscriptionsQuery = z.strictObject({
  customer: name.optional(),
  discovered: flag.default(false),
  unused: wholeNumber(24).optional(),
  numbers: flag.default(false),
  limit: limit.default(1_000),
});
const nothing = z.strictObject({});

export function inventoryRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/subscriptions', async (request) => {
    const { customer, unused, numbers, ...query } = parseInput(subscriptionsQuery, request.query);
    const rows = await services.subscriptions({
      ...query,
      ...(customer === undefined ? {} : { customer }),
      ...(unused === undefined ? {} : { unused }),
    });
    return numbers ? rows : rows.map((row) => ({ ...row, msisdn: maskNumber(row.msisdn) }));
  });

  server.get('/alert-rules', async (request) => {
    parseInput(nothing, request.query);
    return services.alertRules();
  });

  server.post('/alert-rules', async (request) => {
    const document = documentOf(request);
    const by = askedBy(request);
    const count = Array.isArray(document.rules) ? document.rules.length : 0;
    const entry = { actor: by, action: 'alert-rule.apply', subject: `${count} rules`, detail: {} };
    return recorded(services, entry, () => services.applyAlertRules({ document, by }));
  });
}
