/** Where Redis is, read when it is needed; null without `redis.url`. */
import type { Config } from './schema.ts';
import { resolveSecret, SecretError } from './secret.ts';

/** Throws `SecretError` for a reference that leads nowhere and for what is no address of a Redis; it may hold a password. */
export function redisUrl(
  config: Pick<Config, 'redis'>,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  if (config.redis.url === undefined) return null;
  const url = resolveSecret(config.redis.url, { ...env });
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new SecretError('the address of Redis is none such as redis://host:6379 or rediss://user:password@host:6379');
  }
  return url;
}
