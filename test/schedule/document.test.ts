/** docs/schedules.md runs and says what is so. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Tx } from '../../src/database/session.ts';
import { parseCron } from '../../src/schedule/cron.ts';
import { listSchedules } from '../../src/schedule/show.ts';
import { scheduleHarness } from './harness.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/schedules.md'), 'utf8');

test('the example of docs/schedules.md makes the two schedules that it shows', async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(page)![1]!.replaceAll(`'../src/`, `'${pathToFileURL(root).href}/src/`);
  const directory = mkdtempSync(join(tmpdir(), 'lk-doc-'));
  const file = join(directory, 'example.ts');
  writeFileSync(file, example);
  const { bringSchedules } = (await import(pathToFileURL(file).href)) as { bringSchedules: (tx: Tx) => Promise<void> };
  const h = await scheduleHarness();
  for (const _ of ['first', 'again']) await h.database.transaction(bringSchedules);
  const [nightly, pulse, ...others] = await listSchedules(h.database);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [nightly!.name, nightly!.cron, nightly!.everyMs, nightly!.catchUp, nightly!.catchUpMax, nightly!.overlap],
    ['report:nightly', '30 2 * * *', null, 'all', 3, 'queueOne'],
  );
  assert.deepEqual(
    [pulse!.name, pulse!.cron, pulse!.everyMs, pulse!.catchUp, pulse!.catchUpMax, pulse!.overlap],
    ['report:pulse', null, 90_000, 'last', 12, 'skip'],
  );
  await h.close();
  rmSync(directory, { recursive: true });
});

test('the table of docs/schedules.md is right for both nights', () => {
  const rows = [...page.matchAll(/^\| `([^`]+ \* \* \*)` \| ([^|]*)\| ([^|]*)\|$/gm)];
  assert.ok(rows.length >= 5);
  for (const [, line, ...nights] of rows) {
    const cron = parseCron(line!, 'Europe/Amsterdam');
    const nightsOf = [
      ['2026-03-28T22:00:00Z', '2026-03-29T06:00:00Z'],
      ['2026-10-24T22:00:00Z', '2026-10-25T06:00:00Z'],
    ] as const;
    for (const [index, [from, to]] of nightsOf.entries()) {
      const due = cron.between(new Date(from), new Date(to), 100).map((at) => at.toISOString().slice(11, 16));
      assert.equal(due.join(' '), nights[index]!.trim(), `${line}, night ${index}`);
    }
  }
});
