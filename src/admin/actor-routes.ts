/** POST /actors/<path>: the body goes to that actor as a control message, checked by the actor's own schema. */
import type { FastifyInstance } from 'fastify';
import { InvalidRequestError } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import { ServiceError } from './service-error.ts';
import type { AdminServices } from './services.ts';

export function actorRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/actors/*', async (request, reply) => {
    const path = (request.params as { '*': string })['*'];
    if (!/^[A-Za-z0-9._/-]{1,500}$/.test(path)) {
      throw new InvalidRequestError('the actor path must be like work/providers/router; see: linekeeper tree');
    }
    const by = askedBy(request);
    const entry = { actor: by, action: 'actor.send', subject: path, detail: { message: request.body } };
    const result = await recorded(services, entry, () => services.control({ path, message: request.body, by }));
    if (result === 'ok') return reply.code(202).send({ result });
    const reason =
      result === 'full' ? 'its mailbox is full; try again later' : 'it is not running; see: linekeeper tree';
    throw new ServiceError('unavailable', `actor ${path} did not take the message: ${reason}`);
  });
}
