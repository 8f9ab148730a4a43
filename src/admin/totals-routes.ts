/**
 * POST /totals/recalculate; GET /totals and /totals/explain. Numbers of subscriptions are masked, unless the caller asks
 * for them (`numbers=true`) or for the one subscription (`msisdn=…`).
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { maskNumber } from '../log/mask.ts';
import { account, cycle, flag, limit, name, parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const recalculateInput = z.strictObject({ customer: name, cycle, account: account.optional() });
const totalsQuery = z.strictObject({ customer: name, cycle: cycle.optional(), numbers: flag.default(false) });
const explainQuery = z.strictObject({
  customer: name,
  cycle,
  msisdn: z
    .string()
    .regex(/^[1-9][0-9]{6,14}$/, 'must be E.164 digits without +')
    .optional(),
  category: name.optional(),
  limit: limit.default(20),
});

export function totalsRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/totals/recalculate', async (request, reply) => {
    const { customer, account: of, ...which } = parseInput(recalculateInput, request.body);
    const by = askedBy(request);
    const detail = { ...which, ...(of === undefined ? {} : { account: of }) };
    const entry = { actor: by, action: 'totals.recalculate', subject: `customer ${customer}`, detail };
    const started = recorded(services, entry, () => services.recalculateTotals({ customer, ...detail, by }));
    return reply.code(202).send(await started);
  });

  server.get('/totals', async (request) => {
    const { customer, cycle: asked, numbers } = parseInput(totalsQuery, request.query);
    const totals = await services.totals({ customer, ...(asked === undefined ? {} : { cycle: asked }) });
    if (numbers) return totals;
    return totals.map((total) => ({
      ...total,
      rows: total.rows.map((row) => ({ ...row, msisdn: maskNumber(row.msisdn) })),
    }));
  });

  server.get('/totals/explain', async (request) => {
    const { msisdn, category, ...query } = parseInput(explainQuery, request.query);
    const explained = await services.explainTotals({
      ...query,
      ...(msisdn === undefined ? {} : { msisdn }),
      ...(category === undefined ? {} : { category }),
    });
    return explained.map((explanation) => ({
      ...explanation,
      shown: explanation.shown.map((record) => ({
        ...record,
        msisdn: record.msisdn === msisdn ? record.msisdn : maskNumber(record.msisdn),
      })),
    }));
  });
}
