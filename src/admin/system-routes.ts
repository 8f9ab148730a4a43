/** GET /health (503 when failing) and GET /tree. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseInput } from './input.ts';
import type { AdminServices } from './services.ts';

const nothing = z.strictObject({});

export function systemRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/health', async (request, reply) => {
    parseInput(nothing, request.query);
    const health = await services.health();
    return reply.code(health.status === 'failing' ? 503 : 200).send(health);
  });

  server.get('/tree', async (request) => {
    parseInput(nothing, request.query);
    return services.tree();
  });
}
