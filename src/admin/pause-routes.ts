/** GET /pauses; POST /pauses sets or changes one; POST /pauses/end ends one. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const scope = z.string().min(1).max(100);
const setInput = z.strictObject({
  scope,
  why: z.string().min(1).max(500),
  until: z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-21T06:00:00Z' }).optional(),
});
const endInput = z.strictObject({ scope });
const nothing = z.strictObject({});

export function pauseRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/pauses', async (request) => {
    parseInput(nothing, request.query);
    return services.pauses();
  });

  server.post('/pauses', async (request) => {
    const { scope: asked, why, until } = parseInput(setInput, request.body);
    const by = askedBy(request);
    const entry = { actor: by, action: 'pause.set', subject: asked, detail: { why, until: until ?? null } };
    return recorded(services, entry, () =>
      services.setPause({ by, scope: asked, why, until: until === undefined ? null : new Date(until) }),
    );
  });

  server.post('/pauses/end', async (request) => {
    const { scope: asked } = parseInput(endInput, request.body);
    const by = askedBy(request);
    await recorded(services, { actor: by, action: 'pause.end', subject: asked, detail: {} }, () =>
      services.endPause({ by, scope: asked }),
    );
    return { scope: asked };
  });
}
