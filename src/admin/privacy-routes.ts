/** POST /purge: what is past its retention goes; with `dryRun` it is only counted, and nothing is recorded. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseInput } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

const purgeInput = z.strictObject({ dryRun: z.boolean().default(false) });

export function privacyRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/purge', async (request) => {
    const { dryRun } = parseInput(purgeInput, request.body);
    const by = askedBy(request);
    if (dryRun) return services.purge({ by, dryRun });
    const entry = { actor: by, action: 'purge.run', subject: 'retention', detail: {} };
    return recorded(services, entry, () => services.purge({ by, dryRun }));
  });
}
