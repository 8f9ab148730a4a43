/** POST /dead/retry `{ name?, step? }` and /dead/:id/remove `{ why? }`: dead letters; GET /chains?state=dead lists them. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { id, name, parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const which = z.strictObject({ name: name.optional(), step: name.optional() });
const chainId = z.strictObject({ id });
const reason = z.strictObject({ why: z.string().max(500).optional() });

export function deadRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/dead/retry', async (request) => {
    const { name: chainName, step } = parseInput(which, request.body);
    const by = askedBy(request);
    const filter = { ...(chainName && { name: chainName }), ...(step && { step }) };
    const entry = { actor: by, action: 'dead.retry', subject: chainName ?? 'all', detail: filter };
    return recorded(services, entry, () => services.retryDead({ ...filter, by }));
  });

  server.post('/dead/:id/remove', async (request) => {
    const { id: given } = parseInput(chainId, request.params);
    const { why = '' } = parseInput(reason, request.body);
    const by = askedBy(request);
    const entry = { actor: by, action: 'dead.remove', subject: `chain ${given}`, detail: { why } };
    return recorded(services, entry, () => services.removeDead({ id: given, why, by }));
  });
}
