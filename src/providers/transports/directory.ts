/** Files dropped into a local directory, by whatever brought them there. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { assertPlainName, type RemoteFile, type Transport, TransportError } from './transport.ts';

const smallFileBytes = 4_096;

/** Throws `TransportError`: `unavailable` when the directory is missing, `refused` when it may not be read. */
export async function openDirectory(directory: string): Promise<Transport> {
  try {
    const found = await stat(directory);
    if (!found.isDirectory()) throw new TransportError('refused', `${directory} is not a directory`);
  } catch (error) {
    throw toTransportError(error, directory);
  }
  return {
    async list() {
      try {
        const entries = await readdir(directory, { withFileTypes: true });
        const files: RemoteFile[] = [];
        for (const entry of entries) {
          if (!entry.isFile()) continue;
          // one that was taken away meanwhile is not there
          const found = await stat(join(directory, entry.name)).catch(() => null);
          if (found) files.push({ name: entry.name, bytes: found.size, changedMs: Math.floor(found.mtimeMs) });
        }
        return files.sort((a, b) => (a.name < b.name ? -1 : 1));
      } catch (error) {
        throw toTransportError(error, directory);
      }
    },
    async readSmall(name) {
      assertPlainName(name);
      const handle = await openFile(join(directory, name));
      try {
        const buffer = Buffer.alloc(smallFileBytes);
        const { bytesRead } = await handle.read(buffer, 0, smallFileBytes, 0);
        return buffer.toString('latin1', 0, bytesRead);
      } finally {
        await handle.close();
      }
    },
    async open(name) {
      assertPlainName(name);
      const path = join(directory, name);
      const handle = await openFile(path);
      return Readable.from(chunksOf(handle, path), { objectMode: false, highWaterMark: 1024 * 1024 });
    },
    async close() {},
  };
}

/** A disk or a mount that fails while a file is read is waited for, as a connection is. */
async function* chunksOf(handle: FileHandle, path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of handle.createReadStream({ highWaterMark: 256 * 1024 })) yield chunk as Buffer;
  } catch (error) {
    throw ofFile(error, path);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw ofFile(error, path);
  }
}

function ofFile(error: unknown, path: string): TransportError {
  return toTransportError(error, path, true);
}

function toTransportError(error: unknown, path: string, isFile = false): TransportError {
  if (error instanceof TransportError) return error;
  const code = (error as { code?: string }).code ?? 'unknown error';
  if (code === 'EACCES' || code === 'EPERM') {
    return new TransportError('refused', `no permission to read ${path} (${code}); grant it to the service's user`, {
      cause: error,
      ofFile: isFile,
    });
  }
  return new TransportError('unavailable', `cannot read ${path} (${code})`, { cause: error, ofFile: isFile });
}
