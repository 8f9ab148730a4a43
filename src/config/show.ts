/** The configuration for people: values with every secret masked, the list of keys, and the JSON schema. */
import { z } from 'zod';
import { type ConfigKey, configKeys } from './keys.ts';
import { redisUrl } from './redis-url.ts';
import { type Config, configSchema } from './schema.ts';
import { resolveSecret, type SecretOrText } from './secret.ts';

/** Plain JSON. References are shown as they are, texts that are secrets only as far as they are not secret. */
export function showConfig(config: Config): Record<string, unknown> {
  const shown = structuredClone(config) as unknown as Record<string, unknown>;
  for (const { path, kind } of configKeys) {
    if (kind !== 'secret') continue;
    const names = path.split('.');
    const last = names.pop()!;
    const parent = names.reduce((at, name) => at[name] as Record<string, unknown>, shown);
    if (typeof parent[last] === 'string') parent[last] = maskUrl(parent[last], path !== 'alerts.webhook.url');
  }
  return shown;
}

/** `postgres://user:***@host/name`; of other URLs, whose path may be the secret, only the host is kept. */
export function maskUrl(url: string, keepPath: boolean): string {
  // A URL of a unix socket has no host, which URL does not accept beside a user. Up to the last @, a password may hold all.
  const match = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^:@/?#]*)(:.*)?@)?([^/?#]*)([^?#]*)(\?[^#]*)?/i.exec(url);
  if (!match) return '***';
  const [, scheme, user, password, host, path, query] = match;
  const login = user === undefined ? '' : `${user}${password ? ':***' : ''}@`;
  if (!keepPath) return `${scheme}${login}${host}/***`;
  const safeQuery = (query ?? '').replace(/((?:password|passfile|sslkey|sslpassword)=)[^&]*/gi, '$1***');
  return `${scheme}${login}${host}${path}${safeQuery}`;
}

/** For `config check`: every reference that leads nowhere now, one line each. */
export function checkSecrets(config: Config, env: Record<string, string | undefined>): string[] {
  const secrets: [string, SecretOrText | undefined][] = [
    ['database.url', config.database.url],
    ['redis.url', config.redis.url],
    ['alerts.webhook.url', config.alerts.webhook.url],
  ];
  return secrets.flatMap(([key, secret]) => {
    try {
      if (secret !== undefined) resolveSecret(secret, env);
      if (key === 'redis.url') redisUrl(config, env);
      return [];
    } catch (error) {
      return [`${key}: ${(error as Error).message}`];
    }
  });
}

/** For the documentation: key, variable, default, description. */
export function configReference(): readonly ConfigKey[] {
  return configKeys;
}

/** JSON Schema (2020-12) of the configuration file. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { io: 'input' }) as Record<string, unknown>;
}
