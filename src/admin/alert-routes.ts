/** GET /alerts; POST /alerts/test tells every channel a test; POST /alerts/resolve closes one by hand. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { limit, parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const alertFilter = z.strictObject({
  state: z.enum(['open', 'resolved'], 'must be open or resolved').optional(),
  limit: limit.default(100),
});
const resolveInput = z.strictObject({ rule: z.string().min(1).max(200), subject: z.string().min(1).max(500) });
const nothing = z.strictObject({});

export function alertRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/alerts', async (request) => {
    const { state, limit: most } = parseInput(alertFilter, request.query);
    return services.alerts({ limit: most, ...(state === undefined ? {} : { state }) });
  });

  server.post('/alerts/test', async (request) => {
    parseInput(nothing, request.body);
    // not recorded: it must work while the database is away
    return services.testAlert({ by: askedBy(request) });
  });

  server.post('/alerts/resolve', async (request, reply) => {
    const { rule, subject } = parseInput(resolveInput, request.body);
    const by = askedBy(request);
    const entry = { actor: by, action: 'alert.resolve', subject: `${rule} ${subject}`, detail: {} };
    await recorded(services, entry, () => services.resolveAlert({ rule, subject, by }));
    return reply.code(202).send({ rule, subject });
  });
}
