/** GET /suspense, masked as totals are. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { maskNumber } from '../log/mask.ts';
import { flag, limit, parseInput } from './input.ts';
import type { AdminServices } from './services.ts';

const suspenseQuery = z.strictObject({ numbers: flag.default(false), limit: limit.default(1_000) });

export function suspenseRoutes(server: FastifyInstance, services: AdminServices): void {
  server.get('/suspense', async (request) => {
    const { numbers, limit: most } = parseInput(suspenseQuery, request.query);
    const rows = await services.suspense({ limit: most });
    return numbers
      ? rows
      : rows.map((row) => ({ ...row, msisdn: row.msisdn === null ? null : maskNumber(row.msisdn) }));
  });
}
