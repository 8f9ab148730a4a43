/** POST /previews: lines of JSON, streamed. Nothing is changed. Whoever closes the connection ends it. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { timeZoneSchema } from '../telecom/tariff-schema.ts';
import { name, parseInput } from './input.ts';
import type { AdminServices } from './services.ts';

const request = z.strictObject({
  file: z.string('must be an absolute path').regex(/^\//, 'must be an absolute path').max(4096),
  tariff: name,
  version: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/, 'must be the start of a version, such as 2026-07-01')
    .optional(),
  layout: z.unknown().optional(),
  provider: name.optional(),
  timeZone: timeZoneSchema.optional(),
  numberMask: z.int('must be 3 to 6').min(3, 'must be 3 to 6').max(6, 'must be 3 to 6').default(4),
  numbers: z.boolean().default(false),
});

export function previewRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/previews', async (asked, reply) => {
    const { contentType, body } = await services.preview(parseInput(request, asked.body));
    return reply.type(contentType).send(body);
  });
}
