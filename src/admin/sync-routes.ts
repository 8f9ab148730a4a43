/** POST /imports imports a file that is there already; POST /sync/run starts the sync of a customer's profiles, /sync/resume ends their suspension; GET /sync/tasks/:id tells how far one is. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { id, name, parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import { ServiceError } from './service-error.ts';
import type { AdminServices } from './services.ts';

const runInput = z.strictObject({ customer: name, profile: name.optional(), force: z.boolean().default(false) });
const resumeInput = z.strictObject({ customer: name, profile: name.optional() });
const importInput = z.strictObject({
  customer: name,
  profile: name.optional(),
  from: z.string().regex(/^(\/.*|[0-9a-f]{64})$/, 'must be an absolute path or the sha256 of an archived file'),
  again: z.boolean().default(false),
});
const taskId = z.strictObject({ id });

export function syncRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/sync/run', async (request, reply) => {
    const { customer, profile, force } = parseInput(runInput, request.body);
    const by = askedBy(request);
    const entry = { actor: by, action: 'sync.run', subject: `customer ${customer}`, detail: { profile, force } };
    const started = await recorded(services, entry, () =>
      services.runSync({ customer, force, by, ...(profile === undefined ? {} : { profile }) }),
    );
    return reply.code(202).send(started);
  });

  server.post('/sync/resume', async (request) => {
    const { customer, profile } = parseInput(resumeInput, request.body);
    const by = askedBy(request);
    const entry = { actor: by, action: 'sync.resume', subject: `customer ${customer}`, detail: { profile } };
    const asked = { customer, by, ...(profile === undefined ? {} : { profile }) };
    return recorded(services, entry, () => services.resumeSync(asked));
  });

  server.post('/imports', async (request, reply) => {
    const { customer, profile, from, again } = parseInput(importInput, request.body);
    const by = askedBy(request);
    const entry = { actor: by, action: 'import', subject: `customer ${customer}`, detail: { profile, from, again } };
    const asked = { customer, from, again, by, ...(profile === undefined ? {} : { profile }) };
    const started = await recorded(services, entry, () => services.importFile(asked));
    return reply.code(started.task ? 202 : 200).send(started);
  });

  server.get('/sync/tasks/:id', async (request) => {
    const { id: given } = parseInput(taskId, request.params);
    const task = await services.syncTask(given);
    if (!task) throw new ServiceError('not-found', `there is no sync task ${given}`);
    return task;
  });
}
