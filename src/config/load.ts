/**
 * Reads the configuration: defaults, then the file (`--config` or LINEKEEPER_CONFIG; JSON), then the environment
 * (LINEKEEPER_… for every key, DATABASE_URL and REDIS_URL), then overrides of the command line; the later one wins.
 *
 * Everything that is wrong is reported at once, in a `ConfigError`: unknown keys and variables by name with the nearest
 * known one, values out of bounds with where they came from. Values of secrets are never shown.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { readEnvironment } from './environment.ts';
import { configKeys, nearestKey } from './keys.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';

/** The configuration is wrong (exit code 78), or, with `unread`, its file could not be read: that may change by itself. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  readonly unread: boolean;
  constructor(problems: readonly string[], unread = false) {
    super(`the configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
    this.unread = unread;
  }
}

export interface ConfigSources {
  /** The value of `--config`; LINEKEEPER_CONFIG counts when it is absent. */
  readonly file?: string;
  readonly env: Record<string, string | undefined>;
  /** From the command line. */
  readonly overrides?: ConfigInput;
  /** What relative paths outside the file are relative to. */
  readonly cwd: string;
  /** Default: this machine's. */
  readonly cores?: number;
}

type Tree = { [key: string]: unknown };

export function loadConfig(sources: ConfigSources): Config {
  const problems: string[] = [];
  const unread: string[] = [];
  const file = sources.file ?? sources.env.LINEKEEPER_CONFIG;
  const filePath = file ? resolve(sources.cwd, file) : null;
  const fromFile = filePath ? readConfigFile(filePath, problems, unread) : {};
  const fromEnv = readEnvironment(sources.env, fromFile, problems);
  const origins = new Map<string, string>();
  const tree: Tree = {};
  merge(tree, fromFile, [], filePath ?? '', origins);
  for (const { path, value, variable } of fromEnv) merge(tree, nest(path, value), [], variable, origins);
  merge(tree, (sources.overrides ?? {}) as Tree, [], 'the command line', origins);

  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => explain(issue, tree, origins)));
  else if (parsed.data.chains.beatMs * 3 > parsed.data.chains.leaseMs) {
    const { beatMs, leaseMs } = parsed.data.chains;
    problems.push(`chains.beatMs is ${beatMs} and may be at most a third of chains.leaseMs, which is ${leaseMs}`);
  }
  if (parsed.success) {
    const { intervalMs, deadlineMs } = parsed.data.watchdog;
    if (deadlineMs > 0 && intervalMs * 4 > deadlineMs) {
      problems.push(
        `watchdog.intervalMs is ${intervalMs} and may be at most a quarter of watchdog.deadlineMs, which is ${deadlineMs}`,
      );
    }
  }
  if (parsed.success && parsed.data.database.hosts && parsed.data.database.url === undefined) {
    problems.push(
      'database.hosts is set and database.url is not: that says user, password and name of the database, as in postgres://linekeeper@/linekeeper',
    );
  }
  if (problems.length > 0) throw new ConfigError(problems, unread.length > 0);

  const config = parsed.data!;
  const base = (key: string) => (filePath && origins.get(key) === filePath ? dirname(filePath) : sources.cwd);
  const stateDirectory = resolve(base('stateDirectory'), config.stateDirectory);
  const place = (key: string, value: string | undefined, name: string) =>
    value === undefined ? join(stateDirectory, name) : resolve(base(key), value);
  return {
    ...config,
    stateDirectory,
    compute: { ...config.compute, threads: config.compute.threads ?? sources.cores ?? availableParallelism() },
    admin: { socket: place('admin.socket', config.admin.socket, 'admin.sock') },
    alerts: { ...config.alerts, file: place('alerts.file', config.alerts.file, 'alerts.jsonl') },
    release: {
      current:
        config.release.current === undefined ? undefined : resolve(base('release.current'), config.release.current),
    },
    providers: {
      ...config.providers,
      ...(config.providers.directory === undefined
        ? {}
        : { directory: resolve(base('providers.directory'), config.providers.directory) }),
    },
    archive: { directory: place('archive.directory', config.archive.directory, 'archive') },
  };
}

function readConfigFile(path: string, problems: string[], unread: string[]): Tree {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      problems.push(`${path} must hold one JSON object`);
      return {};
    }
    const { $schema: _, ...tree } = value as Tree;
    return tree;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code) unread.push(path);
    // JSON.parse quotes the text around the fault, and that text may be a secret.
    const where = /\(line \d+ column \d+\)/.exec(message)?.[0] ?? '';
    problems.push(code ? `${path} cannot be read (${code})` : `${path} is not valid JSON ${where}`.trim());
    return {};
  }
}

/** Lays `source` over `target`; the origin of every leaf is noted. Values that are no plain objects replace. */
function merge(
  target: Tree,
  source: Tree,
  path: readonly string[],
  origin: string,
  origins: Map<string, string>,
): void {
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined) continue;
    const key = [...path, name].join('.');
    const leaf = configKeys.some((known) => known.path === key);
    if (!leaf && value !== null && typeof value === 'object' && !Array.isArray(value)) {
      // `__proto__` is a key like any other here, and must not reach the prototype.
      const below = Object.hasOwn(target, name) ? target[name] : null;
      const child: Tree = below !== null && typeof below === 'object' ? (below as Tree) : {};
      Object.defineProperty(target, name, { value: child, enumerable: true, configurable: true, writable: true });
      merge(child, value as Tree, [...path, name], origin, origins);
    } else {
      Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
    }
    origins.set(key, origin);
  }
}

function nest(path: string, value: unknown): Tree {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Tree;
}

function explain(issue: z.core.$ZodIssue, tree: Tree, origins: Map<string, string>): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => {
      const key = [...issue.path, name].join('.');
      const nearest = nearestKey(key);
      return `unknown key ${key}${origin(key)}${nearest ? `: did you mean ${nearest}?` : ''}`;
    });
  }
  const key = issue.path.join('.');
  const value = issue.path.reduce<unknown>((at, name) => (at as Tree | undefined)?.[String(name)], tree);
  const secret = configKeys.some(({ path, kind }) => kind === 'secret' && (key === path || key.startsWith(`${path}.`)));
  const shown = secret || (value !== null && typeof value === 'object') ? '' : ` is ${JSON.stringify(value)}`;
  const message = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return [`${key}${shown}${origin(key)}: ${message}`];

  function origin(at: string): string {
    const from = origins.get(at);
    return from ? ` (from ${from})` : '';
  }
}
