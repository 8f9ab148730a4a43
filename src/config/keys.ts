/** Every key of the schema as a flat list: for the environment's names, for suggestions and for the documentation. */
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { configSchema } from './schema.ts';

export interface ConfigKey {
  /** Dotted, such as `database.poolSize`. */
  readonly path: string;
  /** Such as `LINEKEEPER_DATABASE_POOL_SIZE`. */
  readonly variable: string;
  readonly kind: 'number' | 'text' | 'secret' | 'hosts';
  readonly description: string;
  readonly default: unknown;
}

const kinds: Record<string, ConfigKey['kind']> = { number: 'number', union: 'secret', array: 'hosts' };

export const configKeys: readonly ConfigKey[] = leaves(configSchema, []);

const objectPaths = [...new Set(configKeys.flatMap(({ path }) => parents(path)))];

/** The known key that someone who wrote `unknown` most likely meant; undefined when nothing is near. */
export function nearestKey(unknown: string): string | undefined {
  const known = [...configKeys.map(({ path }) => path), ...objectPaths];
  const last = (path: string) => path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  // Right name in the wrong place, such as poolSize at the top.
  const moved = known.find((path) => last(path) === last(unknown));
  return moved ?? near(unknown, known);
}

export function nearestVariable(unknown: string): string | undefined {
  return near(
    unknown,
    configKeys.map(({ variable }) => variable),
  );
}

function near(unknown: string, known: readonly string[]): string | undefined {
  const best = closest(unknown, known);
  return distance(unknown, best) <= Math.max(3, unknown.length / 3) ? best : undefined;
}

function leaves(schema: z.core.$ZodType, path: readonly string[]): ConfigKey[] {
  const { inner, fallback } = unwrap(schema);
  const definition = inner._zod.def as z.core.$ZodTypeDef & { shape?: Record<string, z.core.$ZodType> };
  if (definition.shape) {
    return Object.entries(definition.shape).flatMap(([name, child]) => leaves(child, [...path, name]));
  }
  const kind = kinds[definition.type] ?? 'text';
  const description = (schema as z.ZodType).description ?? '';
  return [{ path: path.join('.'), variable: variableOf(path), kind, description, default: fallback }];
}

function unwrap(schema: z.core.$ZodType): { inner: z.core.$ZodType; fallback: unknown } {
  const definition = schema._zod.def as z.core.$ZodTypeDef & { innerType?: z.core.$ZodType; defaultValue?: unknown };
  if (!definition.innerType) return { inner: schema, fallback: undefined };
  const { inner, fallback } = unwrap(definition.innerType);
  return { inner, fallback: definition.type === 'default' ? definition.defaultValue : fallback };
}

function variableOf(path: readonly string[]): string {
  return `LINEKEEPER_${path.map((part) => part.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_')}`;
}

function parents(path: string): string[] {
  const parts = path.split('.');
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('.'));
}
