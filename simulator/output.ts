/**
 * Writes below the output directory. A file that already has the wanted bytes is left alone, the others appear by rename,
 * a marker only after its file. A stamp refuses a directory that other flags have made.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from './flags.ts';

const stampName = 'simulator.json';

/** Throws UsageError when the directory holds something else. */
export function claimDirectory(out: string, stamp: unknown): void {
  const path = join(out, stampName);
  const text = `${JSON.stringify(stamp, null, 2)}\n`;
  try {
    mkdirSync(out, { recursive: true });
    if (existsSync(path)) {
      if (readFileSync(path, 'utf8') === text) return;
      throw new UsageError(`--out ${out} was made with other flags: remove it or choose another`);
    }
    const first = readdirSync(out)[0];
    if (first !== undefined) {
      throw new UsageError(`--out ${out} holds "${first}", which is not the simulator's: choose an empty directory`);
    }
    writeFileSync(path, text);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--out ${out} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

export function writeBytes(path: string, bytes: Buffer | string, mode = 0o644): void {
  const wanted = Buffer.from(bytes);
  if (existsSync(path) && readFileSync(path).equals(wanted)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${process.pid}.part`);
  writeFileSync(temporary, wanted, { mode });
  renameSync(temporary, path);
}

/** Whole numbers of any size as decimal strings, numbers as they are. */
export function writeJson(path: string, value: unknown): void {
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item), 1);
  writeBytes(path, `${text}\n`);
}
