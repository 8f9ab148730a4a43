/** POST /tariffs, POST /zones and POST /customers: a whole document is checked and stored, or nothing of it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { InvalidRequestError } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';

export function documentRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/tariffs', async (request) => {
    const document = documentOf(request);
    const by = askedBy(request);
    const entry = { actor: by, action: 'tariff.load', subject: `tariff ${textOf(document.tariff)}`, detail: {} };
    return recorded(services, entry, () => services.loadTariff({ document, by }));
  });

  server.post('/zones', async (request) => {
    const document = documentOf(request);
    const by = askedBy(request);
    const entry = { actor: by, action: 'zones.load', subject: `zones of ${textOf(document.provider)}`, detail: {} };
    return recorded(services, entry, () => services.loadZones({ document, by }));
  });

  server.post('/customers', async (request) => {
    const document = documentOf(request);
    const by = askedBy(request);
    const count = Array.isArray(document.customers) ? document.customers.length : 0;
    const entry = { actor: by, action: 'customer.apply', subject: `${count} customers`, detail: {} };
    return recorded(services, entry, () => services.applyCustomers({ document, by }));
  });
}

export function documentOf(request: FastifyRequest): Record<string, unknown> {
  const body = request.body;
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new InvalidRequestError('the document must be a JSON object');
  }
  return body as Record<string, unknown>;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 63) : '(no name)';
}
