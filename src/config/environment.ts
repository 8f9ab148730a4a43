/**
 * The part of the configuration that comes from environment variables. A variable that begins with LINEKEEPER_ and means
 * nothing is refused: a typing error must not silently leave a default in place.
 */
import { parsePlaces } from '../database/hosts/host-list.ts';
import { type ConfigKey, configKeys, nearestVariable } from './keys.ts';

export interface EnvironmentValue {
  readonly path: string;
  readonly variable: string;
  readonly value: unknown;
}

/** Read by others: the launcher, `--config`, the tests and their stop points, and secrets that customers' files name. */
const reserved = /^LINEKEEPER_(NODE|CONFIG|TEST_.*|STOP_.*|SECRET_.*)$/;

/** Variables that the file names as the home of a secret are not ours to judge. */
export function readEnvironment(
  env: Record<string, string | undefined>,
  file: unknown,
  problems: string[],
): EnvironmentValue[] {
  const values: EnvironmentValue[] = [];
  const named = new Set<string>();
  const databaseUrl = env.DATABASE_URL;
  if (databaseUrl) values.push({ path: 'database.url', variable: 'DATABASE_URL', value: databaseUrl });
  const redisUrl = env.REDIS_URL;
  if (redisUrl) values.push({ path: 'redis.url', variable: 'REDIS_URL', value: redisUrl });
  for (const key of configKeys) {
    const text = env[key.variable];
    if (text === undefined || text === '') continue;
    values.push({ path: key.path, variable: key.variable, value: parseText(key, text) });
  }
  for (const source of [file, ...values.map(({ value }) => value)]) collectNames(source, named);
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('LINEKEEPER_') || reserved.test(variable) || named.has(variable)) continue;
    if (configKeys.some((key) => key.variable === variable)) continue;
    const nearest = nearestVariable(variable);
    problems.push(`unknown environment variable ${variable}${nearest ? `: did you mean ${nearest}?` : ''}`);
  }
  return values;
}

/** Text that is no number stays text, for the schema to refuse with its value. */
function parseText(key: ConfigKey, text: string): unknown {
  if (key.kind === 'number' && /^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  if (key.kind === 'hosts') return parsePlaces(text);
  if (key.kind === 'secret' && text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

function collectNames(source: unknown, into: Set<string>): void {
  if (source === null || typeof source !== 'object') return;
  for (const [name, value] of Object.entries(source)) {
    if (name === 'env' && typeof value === 'string') into.add(value);
    else collectNames(value, into);
  }
}
