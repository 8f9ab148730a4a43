/**
 * The bytes of an archived file, unpacked when it is gzip or ZIP, in chunks of at most 256 KiB. A chunk is valid until the next one
 * is asked for. Throws `FileRefused`: `truncated-gzip`, `bad-gzip`, what zip-entry.ts says, `unpacks-too-large`; the file system's own errors as they
 * are, since a file that cannot be read is no fault of its sender.
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { PassThrough, pipeline, Readable, type Transform } from 'node:stream';
import { crc32, createGunzip, createInflateRaw } from 'node:zlib';
import type { Compression, UnpackLimits } from '../spec/files.ts';
import { refused } from './refusal.ts';
import { readZipEntry } from './zip-entry.ts';

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
  switch (options.compression) {
    case 'none':
      return plain(options);
    case 'gz':
      return unpacked(options);
    case 'zip':
      return unzipped(options);
  }
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
  yield* through(file, createGunzip({ chunkSize: chunkBytes }), total, options);
}

/** The one file of a ZIP archive, against its size and its crc32. */
async function* unzipped(options: SourceOptions): AsyncIterable<Buffer> {
  const descriptor = openSync(options.path, 'r');
  try {
    const total = fstatSync(descriptor).size;
    const entry = readZipEntry(descriptor, total, options.name);
    const end = entry.at + entry.packedBytes - 1;
    const range = { highWaterMark: chunkBytes, start: entry.at, end };
    const file = entry.packedBytes === 0 ? Readable.from([]) : createReadStream(options.path, range);
    const unpack = entry.deflated ? createInflateRaw({ chunkSize: chunkBytes }) : new PassThrough();
    let crc = 0;
    let bytes = 0;
    for await (const chunk of through(file, unpack, total, options)) {
      crc = crc32(chunk, crc);
      bytes += chunk.length;
      yield chunk;
    }
    if (bytes !== entry.bytes || crc >>> 0 !== entry.crc) {
      throw refused(options.name, 'bad-zip', 'holds a file that is not the one of its directory (size or crc32)');
    }
  } finally {
    closeSync(descriptor);
  }
}

async function* through(
  file: Readable & { readonly bytesRead?: number },
  unpack: Transform,
  total: number,
  options: SourceOptions,
): AsyncIterable<Buffer> {
  // the pipeline's error reaches the loop below, its callback has nothing to add
  const chunks = pipeline(file, unpack, () => {});
  let done = 0;
  try {
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      done += chunk.length;
      guard(options, done, total);
      options.onRead(file.bytesRead ?? 0, total);
      yield chunk;
    }
  } catch (error) {
    throw unpackError(options, error);
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

function unpackError({ name, compression }: SourceOptions, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  const kind = compression === 'zip' ? 'zip' : 'gzip';
  if (code === 'Z_BUF_ERROR')
    return refused(name, `truncated-${kind}`, `is ${kind} that ends too early`, undefined, error);
  if (code?.startsWith('Z_')) return refused(name, `bad-${kind}`, `is no whole ${kind} (${code})`, undefined, error);
  return error;
}
