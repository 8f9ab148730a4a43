/** GET /reports/usage: a stream of CSV or JSON. Numbers of subscriptions are masked unless the caller asks for them. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { groupings } from '../reports/usage-report.ts';
import { cycle, flag, name, parseInput } from './input.ts';
import type { AdminServices } from './services.ts';

const usageQuery = z.strictObject({
  customer: name,
  cycle,
  by: z.enum(groupings, `must be one of ${groupings.join(', ')}`).default('line'),
  format: z.enum(['csv', 'json'], 'must be csv or json').default('csv'),
  numbers: flag.default(false),
});

export function reportRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/reports/usage', async (request, reply) => {
    const { contentType, body } = await services.usageReport(parseInput(usageQuery, request.query));
    return reply.type(contentType).send(body);
  });
}
