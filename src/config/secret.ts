/**
 * Secrets by reference: the configuration names where a secret is, and only who needs it reads it, when it is needed.
 * A secret never enters an error, a log line or `config show`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const secretReference = z
  .union([
    z.strictObject({ env: z.string().min(1) }),
    z.strictObject({ file: z.string().startsWith('/') }),
    z.strictObject({ credential: z.string().regex(/^[^/]+$/) }),
  ])
  .describe('a reference to a secret');

/** A reference, or the text itself. */
export const secretOrText = z.union([z.string().min(1), secretReference], {
  error: 'expected text, { "env": "NAME" }, { "file": "/absolute/path" } or { "credential": "name" }',
});

export type SecretReference = z.infer<typeof secretReference>;
export type SecretOrText = z.infer<typeof secretOrText>;

/** A reference leads nowhere. Names the variable, file or credential, never its content. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/** The secret itself; a trailing line break of a file is not part of it. Throws `SecretError`. */
export function resolveSecret(secret: SecretOrText, env: Record<string, string | undefined>): string {
  if (typeof secret === 'string') return secret;
  if ('env' in secret) {
    const value = env[secret.env];
    if (!value)
      throw new SecretError(`the secret is expected in the environment variable ${secret.env}, which is not set`);
    return value;
  }
  if ('file' in secret) return read(secret.file);
  const directory = env.CREDENTIALS_DIRECTORY;
  if (!directory) {
    throw new SecretError(
      `the secret is the systemd credential '${secret.credential}', and CREDENTIALS_DIRECTORY is not set: add LoadCredential=${secret.credential}:… to the unit`,
    );
  }
  return read(join(directory, secret.credential));
}

function read(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SecretError(`the secret in ${file} cannot be read (${code})`, { cause });
  }
  if (text === '') throw new SecretError(`the secret in ${file} is empty`);
  return text;
}
