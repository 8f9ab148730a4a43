/** GET /chains, /chains/:id, /chains/:id/why; POST /chains/:id/cancel, /chains/:id/retry and /chains/:id/replay. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { id, limit, name, parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import { ServiceError } from './service-error.ts';
import type { AdminServices } from './services.ts';

/** The states of the `chain` table. */
export const chainStates = [
  'ready',
  'running',
  'timer',
  'children',
  'concurrency',
  'paused',
  'breaker',
  'review',
  'blocked',
  'quarantined',
  'dead',
  'succeeded',
  'failed',
  'cancelled',
] as const;

const chainFilter = z.strictObject({
  state: z.enum(chainStates, `must be one of ${chainStates.join(', ')}`).optional(),
  name: name.optional(),
  limit: limit.default(50),
});
const chainId = z.strictObject({ id });
const nothing = z.strictObject({});
const fromStep = z.strictObject({ from: z.string().min(1).max(63) });

export function chainRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/chains', async (request) => {
    const { state, name: chainName, limit: most } = parseInput(chainFilter, request.query);
    return services.chains({ limit: most, ...(state && { state }), ...(chainName && { name: chainName }) });
  });

  server.get('/chains/:id', async (request) => {
    const { id: given } = parseInput(chainId, request.params);
    return found(given, await services.chain(given));
  });

  server.get('/chains/:id/why', async (request) => {
    const { id: given } = parseInput(chainId, request.params);
    return found(given, await services.chainWhy(given));
  });

  for (const verb of ['cancel', 'retry'] as const) {
    server.post(`/chains/:id/${verb}`, async (request) => {
      const { id: given } = parseInput(chainId, request.params);
      parseInput(nothing, request.body);
      found(given, await services.chain(given));
      const by = askedBy(request);
      return recorded(services, { actor: by, action: `chain.${verb}`, subject: `chain ${given}`, detail: {} }, () =>
        verb === 'cancel' ? services.cancelChain({ id: given, by }) : services.retryChain({ id: given, by }),
      );
    });
  }
  replayRoute(server, services);
}

function replayRoute(server: FastifyInstance, services: AdminServices): void {
  server.post('/chains/:id/replay', async (request) => {
    const { id: given } = parseInput(chainId, request.params);
    const { from } = parseInput(fromStep, request.body);
    found(given, await services.chain(given));
    const by = askedBy(request);
    return recorded(services, { actor: by, action: 'chain.replay', subject: `chain ${given}`, detail: { from } }, () =>
      services.replayChain({ id: given, from, by }),
    );
  });
}

function found<T>(given: string, chain: T | null): T {
  if (chain !== null) return chain;
  throw new ServiceError('not-found', `there is no chain ${given}; list them with: linekeeper chain list`);
}
