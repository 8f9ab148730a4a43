/**
 * GET /cycles; POST /cycles/close and /cycles/reopen. GET /totals/review; POST /totals/review and /totals/restore. Whoever
 * changes something says why; both are in the `audit` row, and a number in it is masked, there and wherever it is kept.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { maskText } from '../log/mask.ts';
import { account, cycle, name, parseInput, reason } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const which = {
  customer: name,
  cycle,
  account: account.optional(),
  reason,
};
const changeInput = z.strictObject(which);
const restoreInput = z.strictObject({ ...which, generation: z.int().min(1) });
const reviewInput = z.strictObject({ ...which, verdict: z.enum(['accept', 'discard'], 'must be accept or discard') });
const cyclesQuery = z.strictObject({ customer: name });
const reviewQuery = z.strictObject({ customer: name.optional() });

export function cycleRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/cycles', async (request) => services.cycles(parseInput(cyclesQuery, request.query)));

  server.post('/cycles/close', async (request) => {
    const input = parseInput(changeInput, request.body);
    return changed(request, 'cycle.close', input, (by) => services.closeCycle({ ...named(input), by }));
  });

  server.post('/cycles/reopen', async (request) => {
    const input = parseInput(changeInput, request.body);
    return changed(request, 'cycle.reopen', input, (by) => services.reopenCycle({ ...named(input), by }));
  });

  server.get('/totals/review', async (request) => {
    const { customer } = parseInput(reviewQuery, request.query);
    return services.waitingTotals(customer === undefined ? {} : { customer });
  });

  server.post('/totals/review', async (request) => {
    const input = parseInput(reviewInput, request.body);
    const { verdict } = input;
    return changed(request, `totals.${verdict}`, input, (by) =>
      services.reviewTotals({ ...named(input), verdict, by }),
    );
  });

  server.post('/totals/restore', async (request) => {
    const input = parseInput(restoreInput, request.body);
    const { generation } = input;
    return changed(request, 'totals.restore', input, (by) =>
      services.restoreTotals({ ...named(input), generation, by }),
    );
  });

  function changed<T>(
    request: FastifyRequest,
    action: string,
    { customer, ...detail }: z.output<typeof changeInput>,
    act: (by: string) => Promise<T>,
  ): Promise<T> {
    const by = askedBy(request);
    return recorded(services, { actor: by, action, subject: `customer ${customer}`, detail }, () => act(by));
  }
}

function named({ customer, cycle: start, account: of, reason: why }: z.output<typeof changeInput>) {
  return { customer, cycle: start, reason: maskText(why), ...(of === undefined ? {} : { account: of }) };
}
