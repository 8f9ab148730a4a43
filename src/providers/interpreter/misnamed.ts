/**
 * Does a fetched file's header speak of the number and month that its name claims? A copy under another name would else take a
 * place in the sequence that is not its own: it would wait for a gap that nobody fills, or stop what follows that number.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { readHeader } from '../decode/header.ts';
import { FileRefused } from '../decode/refusal.ts';
import type { FileSpec } from '../spec/files.ts';

/** Holds the header, and unpacks to 4 MB at most, whatever it is. */
const headBytes = 4_096;

/** Why it is misnamed; null when it is not, and when its beginning cannot be read, which `import` says better. */
export function whyMisnamed(files: FileSpec, path: string, name: string, account: string): string | null {
  if (!files.header || files.framing.kind !== 'fixed') return null;
  const header = firstBytes(path, files.compression);
  if (!header || header.length < files.framing.lineLength) return null;
  try {
    readHeader(header, 0, files, { name, account });
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    const { code, message } = error.problem;
    if (code === 'name-mismatch') return `${code}: ${message}`;
  }
  return null;
}

/** Null when it does not unpack. */
function firstBytes(path: string, compression: FileSpec['compression']): Buffer | null {
  if (compression === 'zip') return null;
  const head = Buffer.alloc(headBytes);
  const file = openSync(path, 'r');
  try {
    const read = readSync(file, head);
    if (compression === 'none') return head.subarray(0, read);
    return gunzipSync(head.subarray(0, read), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_')) return null;
    throw error;
  } finally {
    closeSync(file);
  }
}
