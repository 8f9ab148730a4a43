import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LostRecord, SeenKeys, SeenKeysFullError, seenTables } from '../../src/kernel/seen-keys.ts';
import { KeySpill, lostInPartition, partitionsFor } from '../../src/kernel/spilled-keys.ts';
import { batchRows, type UsageBatch, usageBatch } from '../../src/kernel/usage-batch.ts';
import { seeded } from './small-csv.ts';

interface Entry {
  readonly key: bigint;
  readonly offset: number;
}

function* batches(entries: readonly Entry[]): Generator<UsageBatch> {
  const batch = usageBatch();
  for (let from = 0; from < entries.length; from += batchRows) {
    const part = entries.slice(from, from + batchRows);
    for (const [row, { key, offset }] of part.entries()) {
      batch.keyHigh[row] = Number(key >> 32n);
      batch.keyLow[row] = Number(key & 0xffffffffn);
      batch.offset[row] = offset;
    }
    batch.rows = part.length;
    yield batch;
  }
}

/** All but the last of each key, by a Map. */
function losers(entries: readonly Entry[]): number[] {
  const last = new Map<bigint, number>();
  for (const { key, offset } of entries) last.set(key, Math.max(last.get(key) ?? -1, offset));
  return entries.filter(({ key, offset }) => last.get(key) !== offset).map(({ offset }) => offset);
}

const sorted = (offsets: readonly number[]) => [...offsets].sort((a, b) => a - b);
const offsetsOf = (lost: readonly LostRecord[]) => sorted(lost.map(({ offset }) => offset));

/** Offsets from 0, above 2^32 and near 2^48; keys in order, a constant step apart, or anything, a tenth of them twice or more. */
function random(seed: number, count: number): Entry[] {
  const draw = seeded(seed);
  const step = [1n, 16n, 4096n, 2n ** 32n, 0n][seed % 5]!;
  const entries: Entry[] = [];
  for (let index = 0; index < count; index += 1) {
    const fresh = step > 0n ? BigInt(index) * step : BigInt(Math.floor(draw() * 2 ** 53)) * 1000n;
    const key = draw() < 0.1 && index > 0 ? entries[Math.floor(draw() * index)]!.key : BigInt.asUintN(60, fresh);
    entries.push({ key, offset: index * 100 + [0, 2 ** 32, 2 ** 48][seed % 3]! });
  }
  return entries.sort(() => draw() - 0.5);
}

test('of random keys, in any order, all but the last in the file lose, and each once', () => {
  for (let seed = 1; seed <= 15; seed += 1) {
    const entries = random(seed, 20_000);
    const seen = new SeenKeys(seenTables(entries.length));
    for (const batch of batches(entries)) seen.note(batch);
    assert.deepEqual(offsetsOf(seen.lost), sorted(losers(entries)), `seed ${seed}`);
    for (const { offset, toOffset } of seen.lost) assert.ok(toOffset > offset);
  }
});

test('two tables over one memory find together what one finds', () => {
  const entries = random(4, 20_000);
  const tables = seenTables(entries.length);
  const halves = [new SeenKeys(tables), new SeenKeys(tables)];
  let turn = 0;
  for (const batch of batches(entries)) {
    halves[turn % 2]!.note(batch);
    turn += 1;
  }
  assert.deepEqual(offsetsOf(halves.flatMap(({ lost }) => lost)), sorted(losers(entries)));
});

test('a table that is too small says so instead of going round', () => {
  const seen = new SeenKeys(seenTables(100));
  assert.throws(() => {
    for (const batch of batches(random(1, 50_000))) seen.note(batch);
  }, SeenKeysFullError);
});

test('keys on disk lose as those in memory do', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lk-keys-'));
  try {
    const entries = random(5, 30_000);
    const partitions = partitionsFor(entries.length, 200_000);
    assert.ok(partitions > 2);
    const spills = [new KeySpill(directory, partitions), new KeySpill(directory, partitions)];
    let turn = 0;
    for (const batch of batches(entries)) {
      const spill = spills[turn % 2]!;
      spill.note(batch);
      turn += 1;
      if (turn % 7 === 0) spill.flush();
    }
    for (const spill of spills) spill.flush();
    const lost = Array.from({ length: partitions }, (_, partition) => lostInPartition(directory, partition)).flat();
    assert.deepEqual(offsetsOf(lost), sorted(losers(entries)));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
