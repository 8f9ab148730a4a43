/**
 * Loads every module of a release, also those that are loaded late or in threads, and every package that one of them loads
 * late. Resolves to what does not load, one line each. Programs, which begin to work when they are loaded, are only read:
 * all that they import is loaded besides.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface LoadedModules {
  readonly count: number;
  readonly problems: readonly string[];
}

const folders = ['supervisors', 'otel', 'src', 'actors'];
const programs = new Set(['src/cli/main.ts', 'src/database/embedded/keeper.ts']);

export async function loadModules(root: string): Promise<LoadedModules> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  const problems: string[] = [];
  const packages = new Set<string>();
  const attempt = async (name: string, load: () => unknown) => {
    try {
      await load();
    } catch (error) {
      problems.push(`${name} does not load: ${(error as Error).message.split('\n').slice(0, 3).join(' ').trim()}`);
    }
  };
  for (const name of files.sort()) {
    const path = join(root, name);
    await attempt(name, async () => {
      const source = readFileSync(path, 'utf8');
      for (const [, late] of source.matchAll(/\bimport\('([^'.][^']*)'\)/g)) packages.add(late!);
      if (programs.has(name)) stripTypeScriptTypes(source);
      else await import(pathToFileURL(path).href);
    });
  }
  for (const name of packages) await attempt(`the package ${name}`, () => import(name));
  return { count: files.length + packages.size, problems };
}
