/** The profile's transport as this provider needs it: a base URL with user and password. */
import { readFileSync } from 'node:fs';
import type { Reading } from '../interpreter/fetch.ts';
import { restDescription } from '../transports/rest-description.ts';
import { TransportError } from '../transports/transport.ts';
import { type Asked, exchange } from './exchange.ts';
import type { RoutItServices } from './services.ts';

export interface Connection {
  readonly base: string;
  readonly silenceMs: number;
  /** One request, with the credential; asks the provider's limit first. Throws `TransportError`. */
  ask(
    request: Pick<Asked, 'method' | 'url' | 'body'> & { headers?: Readonly<Record<string, string>> },
  ): ReturnType<typeof exchange>;
}

const patienceMs = 60_000;

/** Throws `TransportError` (`refused`) when the profile does not say all that is needed. */
export function connect({ subject, session, context }: Reading, services: RoutItServices): Connection {
  const { data } = restDescription.safeParse(subject.transport);
  if (data?.user === undefined || data.password === undefined) {
    throw new TransportError(
      'refused',
      `profile ${subject.customer}/${subject.profile} needs a transport of kind rest with base, user and password; correct the customers document and apply it`,
    );
  }
  const secret = services.resolveSecret(data.password);
  const authorization = `Basic ${Buffer.from(`${data.user}:${secret}`).toString('base64')}`;
  const ca = data.caFile === undefined ? undefined : readAuthority(data.caFile);
  const silenceMs = services.silenceMs ?? 30_000;
  return {
    base: data.base,
    silenceMs,
    async ask({ headers = {}, ...request }) {
      const permit = await session.permit();
      if (permit.kind === 'later') throw new TransportError('limited', permit.reason, { afterMs: permit.afterMs });
      try {
        const common = { authorization, 'accept-encoding': 'identity', ...headers };
        return await exchange({ ...request, headers: common, ca, silenceMs, signal: context.signal });
      } catch (error) {
        if (error instanceof TransportError && error.effect === 'limited') {
          await session.pauseAll(error.afterMs ?? patienceMs, error.message);
        }
        throw error;
      }
    },
  };
}

function readAuthority(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new TransportError('refused', `the certificate file ${path} cannot be read`, { cause });
  }
}
