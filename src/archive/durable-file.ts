/** Files that are whole or not there: written under a temporary name, fsynced, renamed, and the directory fsynced. */
import { link, mkdir, open, readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes one directory below an existing parent, durably; nothing happens when it exists. */
export async function ensureDirectory(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  try {
    await mkdir(path, { mode: 0o750 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return path;
  }
  await syncDirectory(parent);
  return path;
}

/** Creates a small file unless it exists; of several that try at once one wins. Answers whether this one did. */
export async function createOnce(
  directory: string,
  name: string,
  temporary: string,
  content: string,
): Promise<boolean> {
  const file = await open(temporary, 'wx', 0o640);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // link, unlike rename, refuses to replace
    await link(temporary, join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await unlink(temporary);
  }
  await syncDirectory(directory);
  return true;
}

/** Removes files that nobody has written to since `beforeMs`; answers how many. */
export async function sweepLeftovers(directory: string, beforeMs: number): Promise<number> {
  let swept = 0;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => null);
    if (!found || found.mtimeMs >= beforeMs) continue;
    await rm(path, { force: true });
    swept += 1;
  }
  return swept;
}
