import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openBoot } from '../../src/process/boot.ts';
import { type Boot, readBoots } from '../../src/process/boot-record.ts';
import { crashLoopWaitMs, deathsInARow } from '../../src/process/crash-loop.ts';

const limits = { healthyAfterMs: 60_000, baseMs: 1_000, capMs: 300_000 };
const boot = (end: Boot['end'], healthyAt: string | null = null): Boot => ({
  release: '0.1.0',
  pid: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  healthyAt,
  endedAt: null,
  end,
  why: null,
});

let directory: string;
let warnings: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lk-boot-'));
  warnings = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () =>
  openBoot({
    stateDirectory: directory,
    release: '0.1.0',
    pid: 7,
    limits,
    now: () => new Date('2026-01-01T00:00:00Z'),
    warn: (message) => warnings.push(message),
  });

test('deaths are counted up to the last boot that was healthy or ended in order', () => {
  const healthy = boot(70, '2026-01-01T00:01:00.000Z');
  assert.equal(deathsInARow([]), 0);
  assert.equal(deathsInARow([boot(70), boot('killed'), boot('blocked loop')]), 3);
  assert.equal(deathsInARow([boot(70), boot(0), boot(70)]), 1);
  assert.equal(deathsInARow([boot(70), boot(75)]), 0);
  assert.equal(deathsInARow([boot(70), healthy, boot('killed'), boot(70)]), 2);
});

test('the first two deaths cost nothing, then the wait doubles up to the cap', () => {
  const waits = [0, 1, 2, 3, 4, 5, 11, 12, 1_000].map((deaths) => crashLoopWaitMs(deaths, limits));
  assert.deepEqual(waits, [0, 0, 0, 1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});

test('a crash loop is alerted once, however many boots it has, and again after one that held', () => {
  for (let i = 0; i < 3; i += 1) open().end(70, 'broken');
  assert.equal(open().claimAlert(), true);
  const fifth = open();
  assert.deepEqual([fifth.deaths, fifth.waitMs, fifth.claimAlert()], [4, 2_000, false]);
  fifth.held();
  fifth.end(70, 'broken after all');
  const sixth = open();
  assert.deepEqual([sixth.deaths, sixth.waitMs, sixth.claimAlert()], [0, 0, true]);
});

test('a boot whose end nobody saw is recorded as killed', () => {
  open();
  const { previous } = open();
  assert.deepEqual([previous?.end, previous?.pid], ['killed', 7]);
});

test('the record keeps the last fifty boots', () => {
  for (let i = 0; i < 53; i += 1) open().end(i, 'counted');
  const { boots } = readBoots(join(directory, 'boots.json'), assert.fail);
  assert.deepEqual([boots.length, boots[0]?.end, boots.at(-1)?.end], [50, 3, 52]);
});

test('a record that is damaged or cannot be written is a warning and keeps no node from working', () => {
  writeFileSync(join(directory, 'boots.json'), '{"boots":[{"rel');
  assert.equal(open().waitMs, 0);
  assert.match(warnings.join(), /boots\.json cannot be read and begins anew/);
  assert.equal(JSON.parse(readFileSync(join(directory, 'boots.json'), 'utf8')).boots.length, 1);
  warnings = [];
  const gone = join(directory, 'gone');
  const { end } = openBoot({
    stateDirectory: gone,
    release: '1',
    pid: 1,
    limits,
    now: () => new Date(),
    warn: (w) => warnings.push(w),
  });
  end(0, 'done');
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /cannot be written: ENOENT/);
});
