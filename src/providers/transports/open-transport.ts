/** The transports that a profile's row may describe, and how those with files are opened: the place that resolves their credentials. */
import { z } from 'zod';
import { type SecretReference, secretReference } from '../../config/secret.ts';
import { openDirectory } from './directory.ts';
import { restDescription } from './rest-description.ts';
import { openSftp } from './sftp.ts';
import type { Transport } from './transport.ts';

const fileTransports = [
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
] as const;

export const fileTransportSchema = z.discriminatedUnion('kind', fileTransports);
export type FileTransportDescription = z.infer<typeof fileTransportSchema>;

export const transportSchema = z.discriminatedUnion('kind', [...fileTransports, restDescription]);
export type TransportDescription = z.infer<typeof transportSchema>;

export type ResolveSecret = (reference: SecretReference) => Promise<string> | string;

/**
 * Throws `TransportError`; a missing secret throws what the resolver throws. The abort of `signal` ends a connection at
 * once, also one that is being made: whatever waits for the other side then rejects.
 */
export async function openTransport(
  description: FileTransportDescription,
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
