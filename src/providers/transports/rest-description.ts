/** How a profile says where an API is and with which credential: one of a client's id and secret, a key, or user and password. */
import { z } from 'zod';
import { type SecretReference, secretReference } from '../../config/secret.ts';

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

const base = z.string().superRefine((text, context) => {
  const url = URL.parse(text);
  const problem = (message: string) => void context.addIssue({ code: 'custom', message });
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return problem('must be a URL such as https://api.example.nl');
  }
  if (url.username || url.password || url.search || url.hash) problem('must have no user, password, query or fragment');
  if (url.protocol === 'http:' && !loopback.has(url.hostname)) {
    problem('must begin with https://: a credential does not go over the network unencrypted');
  }
});

export const restDescription = z
  .strictObject({
    kind: z.literal('rest'),
    base,
    clientId: z.string().min(1).optional(),
    clientSecret: secretReference.optional(),
    apiKey: secretReference.optional(),
    user: z.string().min(1).optional(),
    password: secretReference.optional(),
    /** Certificates (PEM) that the server's must be signed by, instead of the system's. */
    caFile: z.string().startsWith('/', 'must be an absolute path').optional(),
  })
  .refine((rest) => credentialKindsOf(rest).length === 1 && isWhole(rest), {
    message:
      'needs clientId and clientSecret, or apiKey, or user and password; secrets as references such as { "env": "NAME" }',
  });
export type RestDescription = z.output<typeof restDescription>;

export type CredentialKind = 'oauth2cc' | 'apikey' | 'basic';

interface CredentialKeys {
  readonly clientId?: string | undefined;
  readonly clientSecret?: SecretReference | undefined;
  readonly apiKey?: SecretReference | undefined;
  readonly user?: string | undefined;
  readonly password?: SecretReference | undefined;
}

export function credentialKindsOf(rest: CredentialKeys): CredentialKind[] {
  const kinds: CredentialKind[] = [];
  if (rest.clientId !== undefined || rest.clientSecret !== undefined) kinds.push('oauth2cc');
  if (rest.apiKey !== undefined) kinds.push('apikey');
  if (rest.user !== undefined || rest.password !== undefined) kinds.push('basic');
  return kinds;
}

function isWhole(rest: CredentialKeys): boolean {
  const both = (a: unknown, b: unknown) => (a === undefined) === (b === undefined);
  return both(rest.clientId, rest.clientSecret) && both(rest.user, rest.password);
}
