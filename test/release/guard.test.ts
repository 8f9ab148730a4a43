/** The guard on real directories and a real link, with a clock that the test moves. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { type CheckedRelease, guardRelease, type ReleaseGuard } from '../../src/release/guard.ts';
import { observe, placeOf } from '../../src/release/place.ts';

const root = mkdtempSync(join(tmpdir(), 'lk-guard-'));
after(() => rmSync(root, { recursive: true }));

const signal = new AbortController().signal;
let home: string;
let nowMs: number;
let said: string[];
let checked: string[];
let verdict: CheckedRelease;

beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'));
  nowMs = 0;
  said = [];
  checked = [];
  verdict = { ok: true, message: 'fits' };
  for (const name of ['1', '2', '3']) make(name);
  link('1');
});

function make(name: string): void {
  mkdirSync(join(home, name));
  writeFileSync(join(home, name, 'package.json'), '{}');
}

function link(name: string): void {
  symlinkSync(name, join(home, 'new'));
  renameSync(join(home, 'new'), join(home, 'current'));
}

async function guardOf(current = 'current', directory = '1'): Promise<ReleaseGuard> {
  const place = await placeOf(join(home, directory), join(home, current));
  const words = (text: string) => text.replaceAll(`${home}/`, '');
  return guardRelease({
    place,
    observe: () => observe(place),
    async check(candidate) {
      checked.push(words(candidate));
      return verdict;
    },
    onMoved: (to) => said.push(`moved ${words(to)}`),
    onDeleted: (why) => said.push(`deleted: ${words(why)}`),
    onTrouble: (why) => said.push(`trouble: ${words(why)}`),
    onWell: () => said.push('well'),
    nowMs: () => nowMs,
    settleMs: 2_000,
    retryMs: 60_000,
  });
}

async function look(guard: ReleaseGuard, times = 1): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await guard.look(signal);
    nowMs += 2_000;
  }
}

test('a release that is wanted and there is in order, which is said once', async () => {
  await look(await guardOf(), 4);
  assert.deepEqual([said, checked], [['well'], []]);
});

test('a link that moved is believed at the second look, checked once and followed once', async () => {
  const guard = await guardOf();
  link('2');
  await look(guard);
  assert.deepEqual(checked, []);
  await look(guard, 3);
  assert.deepEqual([said, checked], [['moved 2'], ['2']]);
});

test('a link that moves on between two looks is not followed before it stands', async () => {
  const guard = await guardOf();
  for (const name of ['2', '3', '2', '3']) {
    link(name);
    await look(guard);
  }
  assert.deepEqual([said, checked], [[], []]);
  link('1');
  await look(guard, 2);
  assert.deepEqual([said, checked], [['well'], []]);
});

test('two equal looks that come too soon after one another are not enough', async () => {
  const guard = await guardOf();
  link('2');
  await guard.look(signal);
  nowMs += 1_999;
  await guard.look(signal);
  assert.deepEqual(checked, []);
});

test('a link that moves on while its release is checked is looked at anew', async () => {
  const place = await placeOf(join(home, '1'), join(home, 'current'));
  const options = { onDeleted() {}, onTrouble() {}, onWell() {}, settleMs: 0, retryMs: 0 };
  const guard = guardRelease({
    ...options,
    place,
    observe: () => observe(place),
    async check(candidate) {
      checked.push(candidate);
      if (checked.length === 1) link('3');
      return verdict;
    },
    onMoved: (to) => said.push(to),
    nowMs: () => nowMs,
  });
  link('2');
  await look(guard, 4);
  assert.deepEqual(said, [join(home, '3')]);
  assert.deepEqual(checked, [join(home, '2'), join(home, '3')]);
});

test('a release that does not fit is told once, checked again after a minute, and forgotten when the link goes back', async () => {
  const guard = await guardOf();
  await look(guard, 2);
  verdict = { ok: false, message: 'modules: a.ts does not load' };
  link('2');
  await look(guard, 20);
  const trouble =
    'trouble: current leads to the release 2, which cannot be started: modules: a.ts does not load; this one, 1, goes on';
  assert.deepEqual([said, checked], [['well', trouble], ['2']]);
  nowMs += 60_000;
  await look(guard);
  assert.deepEqual([said.length, checked], [2, ['2', '2']]);
  link('1');
  await look(guard, 2);
  assert.deepEqual(said, ['well', trouble, 'well']);
  verdict = { ok: true, message: 'mended' };
  link('2');
  await look(guard, 2);
  assert.deepEqual(said.at(-1), 'moved 2');
});

test('a link that leads nowhere is told, and this release goes on', async () => {
  const guard = await guardOf();
  link('nothing');
  await look(guard, 3);
  assert.deepEqual(said, [
    'trouble: current leads nowhere, so this release, 1, could not be started again; it goes on',
  ]);
});

test('a directory that was deleted is left for a release that fits, and else is the end', async () => {
  const guard = await guardOf();
  rmSync(join(home, '1'), { recursive: true });
  link('2');
  await look(guard, 2);
  assert.deepEqual([said, checked], [['moved 2'], ['2']]);

  make('1');
  link('1');
  const [broken, refused] = [await guardOf(), await guardOf()];
  rmSync(join(home, '1'), { recursive: true });
  await look(broken, 3);
  assert.deepEqual(said.slice(1), [
    'deleted: the release directory 1 was deleted, and current leads nowhere: move it to a good release',
  ]);
  verdict = { ok: false, message: 'schema: too new' };
  link('3');
  await look(refused, 3);
  assert.match(said[2]!, /^deleted: the release directory 1 was deleted, and the release 3 .*: schema: too new; move/);
  assert.equal(said.length, 3);
});

test('a directory that was deleted and made again under its name, or emptied, is not the one that runs', async () => {
  const guard = await guardOf();
  renameSync(join(home, '1'), join(home, 'old'));
  make('1');
  await look(guard, 2);
  assert.deepEqual([said, checked], [['moved 1'], ['1']]);
  const emptied = await guardOf('current', '1');
  rmSync(join(home, '1', 'package.json'));
  await look(emptied, 2);
  assert.match(said[1]!, /^deleted: /);
});

test('without a link only the own directory counts', async () => {
  const guard = await guardOf('2', '2');
  await look(guard, 2);
  rmSync(join(home, '2'), { recursive: true });
  await look(guard, 2);
  assert.deepEqual(said, ['well', 'deleted: the release directory 2 was deleted: install it again']);
});
