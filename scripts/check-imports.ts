/**
 * Import direction (the rooms of the house): `src/main` and `src/cli` -> `actors` -> the rest of `src`. Everyone may
 * import `supervisors` and `otel`, which import nothing of ours. `simulator` and the rest know nothing of each other.
 * A few packages have one door each. Tests may import everything.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

type Room = 'door' | 'actors' | 'src' | 'supervisors' | 'otel' | 'simulator' | 'test' | 'bench' | 'scripts' | 'other';

/** Which rooms a room may import, itself included when listed. */
const allowed: Readonly<Record<Room, readonly Room[]>> = {
  door: ['door', 'actors', 'src', 'supervisors', 'otel'],
  actors: ['actors', 'src', 'supervisors', 'otel'],
  src: ['src', 'supervisors', 'otel'],
  supervisors: ['supervisors'],
  otel: ['otel'],
  simulator: ['simulator'],
  test: ['door', 'actors', 'src', 'supervisors', 'otel', 'simulator', 'test', 'bench', 'scripts', 'other'],
  bench: ['door', 'actors', 'src', 'supervisors', 'otel', 'simulator', 'test', 'bench', 'other'],
  scripts: ['scripts', 'test', 'other'],
  other: ['other', 'door'],
};

/** Packages with one door. */
const packageDoors: Readonly<Record<string, { readonly holds: (file: string) => boolean; readonly door: string }>> = {
  nact: { holds: (file) => file === 'supervisors/mailbox.ts', door: 'supervisors/mailbox.ts' },
  ioredis: { holds: (file) => file === 'src/signals/redis-client.ts', door: 'src/signals/redis-client.ts' },
  pg: { holds: (file) => file.startsWith('src/database/'), door: 'src/database' },
  'pg-copy-streams': { holds: (file) => file.startsWith('src/database/'), door: 'src/database' },
  'node-pg-migrate': { holds: (file) => file.startsWith('src/database/'), door: 'src/database' },
};

export function importProblems(root: string, files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const file of files) {
    if (!/\.(ts|mts|js|mjs)$/.test(file)) continue;
    for (const specifier of importsOf(readFileSync(join(root, file), 'utf8'))) {
      const problem = specifier.startsWith('.') ? roomProblem(file, specifier) : packageProblem(file, specifier);
      if (problem) problems.push(problem);
    }
  }
  return problems;
}

function roomProblem(file: string, specifier: string): string | null {
  const target = posix.normalize(posix.join(posix.dirname(file), specifier));
  if (target === '..' || target.startsWith('../')) return `${file} imports ${specifier}, outside the repository`;
  const from = roomOf(file);
  const to = roomOf(target);
  if (allowed[from].includes(to)) return null;
  return `${file} imports ${target}: ${nameOf(from)} may import only ${allowed[from].map(nameOf).join(', ')}`;
}

function packageProblem(file: string, specifier: string): string | null {
  if (specifier.startsWith('node:')) return null;
  const segments = specifier.split('/');
  const name = specifier.startsWith('@') ? segments.slice(0, 2).join('/') : segments[0]!;
  if (name === 'linekeeper')
    return `${file} imports ${specifier}: use the relative path, so that its direction is seen`;
  const rule = packageDoors[name];
  if (!rule || rule.holds(file)) return null;
  // bench/ drives the bare libraries as its peers, and tests look into the database themselves
  const room = roomOf(file);
  if (room === 'bench' || (room === 'test' && name !== 'nact')) return null;
  return `${file} imports ${name}: only ${rule.door} may`;
}

function roomOf(file: string): Room {
  if (/^src\/(main|primary|cli)(\/|\.|$)/.test(file)) return 'door';
  const first = file.split('/')[0]!;
  switch (first) {
    case 'src':
    case 'actors':
    case 'supervisors':
    case 'otel':
    case 'simulator':
    case 'test':
    case 'bench':
    case 'scripts':
      return first;
    default:
      return 'other';
  }
}

function nameOf(room: Room): string {
  if (room === 'door') return 'src/main and src/cli';
  return room === 'other' ? 'files outside the rooms' : room;
}

/** Specifiers of static, type-only, re-exporting and dynamic imports; comments are no imports. */
export function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, '');
  const pattern =
    /(?:^|[;}\s])(?:import|export)\s[^'"`;()]*?\sfrom\s*(['"])([^'"\n]+)\1|(?:^|[;}\s])import\s*(['"])([^'"\n]+)\3|\b(?:import|require|require\.resolve)\s*\(\s*(['"])([^'"\n]+)\5/g;
  return [...code.matchAll(pattern)].map((match) => (match[2] ?? match[4] ?? match[6])!);
}
