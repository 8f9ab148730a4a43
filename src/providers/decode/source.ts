/**
 * The bytes of an archived file, unpacked when it is gzip, in chunks of at most 256 KiB. A chunk is valid until the next one
 * is asked for. Throws `FileRefused`: `truncated-gzip`, `bad-gzip`, `unpacks-too-large`; the file system's own errors as they
 * are, since a file that cannot be read is no fault of its sender.
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Compression, UnpackLimits } from '../spec/files.ts';
import { refused } from './refusal.ts';

export interface SourceOptions {
  readonly path: string;
  readonly compression: Compression;
  readonly name: string;
  readonly limits: UnpackLimits;
  /** Bytes of the archived file read so far, of all. */
  onRead(done: number, total: number): void;
}

const chunkBytes = 256 * 1024;

export function openSource(options: SourceOptions): AsyncIterable<Buffer> | Iterable<Buffer> {
  return options.compression === 'none' ? plain(options) : unpacked(options);
}

function* plain(options: SourceOptions): Iterable<Buffer> {
  const file = openSync(options.path, 'r');
  try {
    const total = fstatSync(file).size;
    const chunk = Buffer.allocUnsafeSlow(chunkBytes);
    for (let done = 0; ; ) {
      const read = readSync(file, chunk);
      if (read === 0) return;
      done += read;
      guard(options, done, total);
      options.onRead(done, total);
      yield chunk.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}

async function* unpacked(options: SourceOptions): AsyncIterable<Buffer> {
  const total = statSync(options.path).size;
  const file = createReadStream(options.path, { highWaterMark: chunkBytes });
  // the pipeline's error reaches the loop below, its callback has nothing to add
  const gunzip = pipeline(file, createGunzip({ chunkSize: chunkBytes }), () => {});
  let done = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      done += chunk.length;
      guard(options, done, total);
      options.onRead(file.bytesRead, total);
      yield chunk;
    }
  } catch (error) {
    throw ungzip(options.name, error);
  } finally {
    file.destroy();
  }
}

function guard(options: SourceOptions, done: number, total: number): void {
  const { maxBytes, maxRatio, ratioFrom } = options.limits;
  if (done > maxBytes) throw refused(options.name, 'unpacks-too-large', `unpacks to more than ${maxBytes} bytes`);
  if (done > ratioFrom && done > total * maxRatio) {
    throw refused(options.name, 'unpacks-too-large', `unpacks to more than ${maxRatio} times its ${total} bytes`);
  }
}

function ungzip(name: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'Z_BUF_ERROR') return refused(name, 'truncated-gzip', 'is gzip that ends too early', undefined, error);
  if (code?.startsWith('Z_')) return refused(name, 'bad-gzip', `is no whole gzip (${code})`, undefined, error);
  return error;
}
