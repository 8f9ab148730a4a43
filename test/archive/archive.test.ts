import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { type Archive, type ArchiveOptions, openArchive } from '../../src/archive/archive.ts';
import { archiveTrouble } from '../../src/archive/archive-error.ts';

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-archive-'));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const nowMs = Date.parse('2026-11-20T12:00:00Z');
const open = (directory: string, changes: Partial<ArchiveOptions> = {}): Promise<Archive> =>
  openArchive(directory, { expectedId: null, randomId: randomUUID, nowMs: () => nowMs, ...changes });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('keeps bytes under their hash, and twice the same bytes once', () =>
  inDirectory(async (directory) => {
    const archive = await open(directory);
    const first = await archive.put(Readable.from([Buffer.from('call '), Buffer.from('records')]));
    const second = await archive.put(Readable.from([Buffer.from('call records')]));
    assert.deepEqual(first, second);
    assert.equal(first.sha256, sha256('call records'));
    assert.equal(first.bytes, 12);
    assert.equal(first.path, archive.path(first.sha256));
    assert.equal(readFileSync(first.path, 'utf8'), 'call records');
    assert.deepEqual(readdirSync(join(directory, 'incoming')), []);
  }));

test('puts of the same bytes at once are one file', () =>
  inDirectory(async (directory) => {
    const archives = await Promise.all([open(directory), open(directory)]);
    assert.equal(archives[0].id, archives[1].id);
    const puts = await Promise.all(archives.flatMap((each) => [1, 2].map(() => each.put(Readable.from(['same'])))));
    assert.equal(new Set(puts.map((put) => put.path)).size, 1);
    await archives[0].verify(sha256('same'));
  }));

test('leaves nothing behind when the source fails or the put is aborted', () =>
  inDirectory(async (directory) => {
    const archive = await open(directory);
    async function* failing() {
      yield Buffer.from('half a file');
      throw new Error('connection reset');
    }
    await assert.rejects(archive.put(failing()), /connection reset/);
    const aborted = AbortSignal.abort(new Error('cancelled'));
    await assert.rejects(archive.put(Readable.from(['x']), { signal: aborted }), /cancelled/);
    assert.deepEqual(readdirSync(directory).sort(), ['archive-id', 'incoming']);
    assert.deepEqual(readdirSync(join(directory, 'incoming')), []);
  }));

test('verify tells missing from damaged, and a put of the right bytes repairs a cut file', () =>
  inDirectory(async (directory) => {
    const archive = await open(directory);
    await assert.rejects(archive.verify(sha256('never put')), { code: 'missing' });
    const { path, sha256: hash } = await archive.put(Readable.from(['whole']));
    truncateSync(path, 2);
    await assert.rejects(archive.verify(hash), { code: 'corrupt' });
    await archive.put(Readable.from(['whole']));
    assert.equal((await archive.verify(hash)).bytes, 5);
  }));

test('a path is only made of a hash', () =>
  inDirectory(async (directory) => {
    const archive = await open(directory);
    assert.throws(() => archive.path('../../etc/passwd'), RangeError);
    assert.throws(() => archive.path(sha256('x').toUpperCase()), RangeError);
  }));

test('refuses an archive of another id, and one without an id where one is expected', () =>
  inDirectory(async (directory) => {
    await assert.rejects(open(directory, { expectedId: 'ours' }), { code: 'wrong-archive' });
    const { id } = await open(directory);
    assert.equal((await open(directory, { expectedId: id })).id, id);
    await assert.rejects(open(directory, { expectedId: 'ours' }), /is the archive .* belongs to the archive ours/);
  }));

test('sweeps what a killed process left, but not what another node is writing', () =>
  inDirectory(async (directory) => {
    await open(directory);
    const old = join(directory, 'incoming', 'old');
    const fresh = join(directory, 'incoming', 'fresh');
    for (const path of [old, fresh]) writeFileSync(path, 'half');
    utimesSync(old, nowMs / 1000 - 7200, nowMs / 1000 - 7200);
    utimesSync(fresh, nowMs / 1000 - 60, nowMs / 1000 - 60);
    assert.equal((await open(directory)).swept, 1);
    assert.deepEqual(readdirSync(join(directory, 'incoming')), ['fresh']);
  }));

test('says what is wrong with the directory', async () => {
  await assert.rejects(open('/nowhere/at/all'), { code: 'unavailable' });
  const coded = (code: string) => archiveTrouble('/archive', Object.assign(new Error(code), { code }));
  assert.match(String(coded('ENOSPC')), /no space left/);
  assert.match(String(coded('EACCES')), /permission/);
});

test('an ENOSPC of the source is not taken for the archive being full', () =>
  inDirectory(async (directory) => {
    const archive = await open(directory);
    async function* full() {
      yield Buffer.from('x');
      throw Object.assign(new Error('from the source'), { code: 'ENOSPC' });
    }
    await assert.rejects(archive.put(full()), { message: 'from the source' });
  }));

const asRoot = process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs';
test('a full disk is told as such, loses nothing, and the archive goes on when there is space', { skip: asRoot }, () =>
  inDirectory(async (directory) => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]);
    try {
      const archive = await open(directory);
      const kept = await archive.put(Readable.from([Buffer.alloc(64 * 1024, 1)]));
      await assert.rejects(archive.put(Readable.from([Buffer.alloc(512 * 1024, 2)])), { code: 'disk-full' });
      assert.deepEqual(readdirSync(join(directory, 'incoming')), []);
      await archive.verify(kept.sha256);
      await archive.put(Readable.from([Buffer.alloc(64 * 1024, 3)]));
    } finally {
      execFileSync('umount', [directory]);
    }
  }),
);
