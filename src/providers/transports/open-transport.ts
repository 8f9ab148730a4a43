/** Opens the transport that a profile's row describes; the one place that knows all kinds and resolves credentials. */
import { z } from 'zod';
import { type SecretReference, secretReference } from '../../config/secret.ts';
import { openDirectory } from './directory.ts';
import { openSftp } from './sftp.ts';
import type { Transport } from './transport.ts';

export const transportSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('directory'), dir: z.string().startsWith('/', 'must be an absolute path') }),
  z
    .strictObject({
      kind: z.literal('sftp'),
      host: z.string().min(1),
      port: z.int().min(1).max(65_535).default(22),
      user: z.string().min(1),
      dir: z.string().startsWith('/', 'must be an absolute path'),
      password: secretReference.optional(),
      privateKey: secretReference.optional(),
      hostKeySha256: z.string().startsWith('SHA256:', 'must be SHA256:… as ssh-keygen -lf prints it'),
    })
    .refine((sftp) => (sftp.password === undefined) !== (sftp.privateKey === undefined), {
      message: 'needs either password or privateKey, as a reference to a secret',
    }),
]);
export type TransportDescription = z.infer<typeof transportSchema>;

export type ResolveSecret = (reference: SecretReference) => Promise<string> | string;

/**
 * Throws `TransportError`; a missing secret throws what the resolver throws. The abort of `signal` ends a connection at
 * once, also one that is being made: whatever waits for the other side then rejects.
 */
export async function openTransport(
  description: TransportDescription,
  resolve: ResolveSecret,
  signal: AbortSignal,
): Promise<Transport> {
  switch (description.kind) {
    case 'directory':
      return openDirectory(description.dir);
    case 'sftp': {
      const { host, port, user, dir, hostKeySha256, password, privateKey } = description;
      const login = privateKey
        ? { privateKey: await resolve(privateKey) }
        : { password: await resolve(password as SecretReference) };
      return openSftp({ host, port, user, dir, hostKeySha256, login, signal });
    }
  }
}
