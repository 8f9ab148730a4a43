/** GET /schedules and /schedules/NAME; POST /schedules/NAME/enable, /disable and /run. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const which = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{0,62}$/, 'must be 1 to 63 of A-Z a-z 0-9 : . _ -'),
});
const nothing = z.strictObject({});

export function scheduleRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/schedules', async (request) => {
    parseInput(nothing, request.query);
    return services.schedules();
  });

  server.get('/schedules/:name', async (request) => services.schedule(parseInput(which, request.params).name));

  for (const [verb, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const) {
    server.post(`/schedules/:name/${verb}`, async (request) => {
      const { name } = parseInput(which, request.params);
      parseInput(nothing, request.body);
      const by = askedBy(request);
      const entry = { actor: by, action: `schedule.${verb}`, subject: name, detail: {} };
      return recorded(services, entry, () => services.enableSchedule({ by, name, enabled }));
    });
  }

  server.post('/schedules/:name/run', async (request, reply) => {
    const { name } = parseInput(which, request.params);
    parseInput(nothing, request.body);
    const by = askedBy(request);
    const entry = { actor: by, action: 'schedule.run', subject: name, detail: {} };
    return reply.code(202).send(await recorded(services, entry, () => services.runSchedule({ by, name })));
  });
}
