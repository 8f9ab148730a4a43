import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { giveBack, KeyLog, wantedPlaces } from '../../../src/kernel/keys/key-log.ts';
import { commonKeys, SeenKeys, SeenKeysFullError } from '../../../src/kernel/keys/seen-keys.ts';
import { KeySpill, lostInPartition, partitionsFor } from '../../../src/kernel/keys/spilled-keys.ts';
import { lostPairs, WantedKeys, wantedTables } from '../../../src/kernel/keys/wanted-keys.ts';
import { batchRows, type UsageBatch, usageBatch } from '../../../src/kernel/usage-batch.ts';
import { seeded } from '../small-csv.ts';

interface Entry {
  readonly key: bigint;
  readonly offset: number;
}

function* batches(entries: readonly Entry[]): Generator<UsageBatch> {
  const batch = usageBatch();
  for (let from = 0; from < entries.length; from += batchRows) {
    // a batch is a piece of a range, in the order of the file
    const part = entries.slice(from, from + batchRows).sort((a, b) => a.offset - b.offset);
    for (const [row, { key, offset }] of part.entries()) {
      batch.keyHigh[row] = Number(key >> 32n);
      batch.keyLow[row] = Number(key & 0xffffffffn);
      batch.offset[row] = offset;
    }
    batch.rows = part.length;
    yield batch;
  }
}

/** All but the last of each key, each with the last, by a Map. */
function losers(entries: readonly Entry[]): string[] {
  const last = new Map<bigint, number>();
  for (const { key, offset } of entries) last.set(key, Math.max(last.get(key) ?? -1, offset));
  const lost = entries.filter(({ key, offset }) => last.get(key) !== offset);
  return lost.map(({ key, offset }) => `${offset} to ${last.get(key)}`).sort();
}

function pairsOf(lost: Float64Array): string[] {
  return Array.from({ length: lost.length / 2 }, (_, pair) => `${lost[2 * pair]} to ${lost[2 * pair + 1]}`).sort();
}

/** What threads find that take batches in turns. */
function lostOf(entries: readonly Entry[], threads: number, expected: number): string[] {
  const found = Array.from({ length: threads }, () => ({
    seen: new SeenKeys(expected, Infinity),
    log: new KeyLog(),
  }));
  let turn = 0;
  for (const batch of batches(entries)) {
    found[turn % threads]!.seen.note(batch);
    found[turn % threads]!.log.note(batch);
    turn += 1;
  }
  const common = commonKeys(found.map(({ seen }) => seen.slots));
  const tables = wantedTables([...found.map(({ seen }) => seen.repeated), common]);
  const wanted = new WantedKeys(tables);
  return pairsOf(
    lostPairs(
      tables.count,
      found.map(({ log }) => wantedPlaces(log.parts, wanted)),
    ),
  );
}

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

test('of random keys, in any order, all but the last in the file lose, however many threads met them', () => {
  for (let seed = 1; seed <= 15; seed += 1) {
    const entries = random(seed, 20_000);
    const expected = losers(entries);
    assert.ok(expected.length > 1000);
    assert.deepEqual(lostOf(entries, 1 + (seed % 3), [0, 20_000][seed % 2]!), expected, `seed ${seed}`);
  }
});

test('the log of keys holds more than one part of it', () => {
  const entries = Array.from({ length: 70_000 }, (_, index) => ({ key: BigInt(index % 69_990), offset: index * 90 }));
  assert.deepEqual(lostOf(entries, 1, 0), losers(entries));
});

test('of a log that was read a thread keeps 16 MB for its next one, and gives the rest back', () => {
  const parts = (rows: number) => {
    const log = new KeyLog();
    const batch = usageBatch();
    batch.rows = batchRows;
    for (let row = 0; row < rows; row += batchRows) log.note(batch);
    return log.parts;
  };
  const first = parts(1_600_000);
  giveBack(first);
  const still = first.map(({ low }) => low.buffer).filter(({ byteLength }) => byteLength > 0);
  assert.ok(first.length > 24 && still.length === 20);
  const next = parts(1_000_000).map(({ low }) => low.buffer);
  assert.ok(next.every((buffer) => still.includes(buffer)));
});

test('neighbours share a slot, keys without order take one each, and a table beyond its memory says so', () => {
  const fill = (entries: readonly Entry[], mostBytes: number) => {
    const seen = new SeenKeys(1000, mostBytes);
    for (const batch of batches(entries)) seen.note(batch);
    return seen.slots.byteLength;
  };
  const dense = Array.from({ length: 100_000 }, (_, index) => ({ key: BigInt(index), offset: index }));
  assert.ok(fill(dense, 200_000) < 100_000);
  assert.throws(() => fill(random(4, 100_000), 200_000), SeenKeysFullError);
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
    const lost = Array.from({ length: partitions }, (_, partition) => lostInPartition(directory, partition));
    assert.deepEqual(lost.flatMap(pairsOf).sort(), losers(entries));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
