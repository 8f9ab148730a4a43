/** GET /health (503 when failing) and GET /tree; what only a primary can be asked for is refused with the way out. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseInput } from './input.ts';
import { ServiceError } from './service-error.ts';
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

  server.get('/processes', noPrimary);
  server.post('/processes/restart', noPrimary);
}

function noPrimary(): never {
  throw new ServiceError(
    'not-found',
    'no primary listens here: this is one node process by itself. Several run with linekeeper start --processes 4, or the key processes',
  );
}
