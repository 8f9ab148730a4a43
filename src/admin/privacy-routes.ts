/**
 * POST /purge: what is past its retention goes; with `dryRun` it is only counted, and nothing is recorded. POST /subscriptions/erase and
 * /subscriptions/export; numbers come in bodies, which nobody logs, and stand in no audit row.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { maskText } from '../log/mask.ts';
import { name, parseInput, reason as why } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const msisdn = z.string().regex(/^[1-9][0-9]{6,14}$/, 'must be E.164 digits without +');
const eraseInput = z.strictObject({ customer: name, msisdn, reason: why });
const exportInput = z.strictObject({ customer: name, msisdn });
const purgeInput = z.strictObject({ dryRun: z.boolean().default(false) });

export function privacyRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/purge', async (request) => {
    const { dryRun } = parseInput(purgeInput, request.body);
    const by = askedBy(request);
    if (dryRun) return services.purge({ by, dryRun });
    const entry = { actor: by, action: 'purge.run', subject: 'retention', detail: {} };
    return recorded(services, entry, () => services.purge({ by, dryRun }));
  });

  server.post('/subscriptions/erase', async (request) => {
    const input = parseInput(eraseInput, request.body);
    const by = askedBy(request);
    const reason = maskText(input.reason);
    const entry = {
      actor: by,
      action: 'subscription.erase',
      subject: `customer ${input.customer}`,
      detail: { reason },
    };
    return recorded(services, entry, () => services.eraseSubscription({ ...input, reason, by }));
  });

  server.post('/subscriptions/export', async (request) => {
    const input = parseInput(exportInput, request.body);
    const entry = {
      actor: askedBy(request),
      action: 'subscription.export',
      subject: `customer ${input.customer}`,
      detail: {},
    };
    return recorded(services, entry, () => services.exportSubscription(input));
  });
}
