import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { chainDetail, chainView, taskView } from '../admin/example-services.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal();
});
afterEach(() => terminal.close());

const run = ['sync', 'run', '--customer', 'C001', '--wait'];
const recalculate = ['totals', 'recalculate', '--customer', 'C001', '--cycle', '2026-03-01', '--wait'];

function tasks(...views: ReturnType<typeof taskView>[]): void {
  terminal.services.taskViews.splice(0, Number.POSITIVE_INFINITY, ...views);
}
const rating = (done: number) =>
  taskView({
    steps: [
      { name: 'fetch', state: 'done', progress: null },
      { name: 'rate', state: 'running', progress: { done, total: 1_000, unit: 'records' } },
      { name: 'totals', state: 'waiting', progress: null },
    ],
  });
const over = taskView({
  status: 'succeeded',
  counts: { files: 3, records: 4_800 },
  steps: ['fetch', 'rate', 'totals'].map((name) => ({ name, state: 'done' as const, progress: null })),
});

test('waits with plain lines in a pipe: one per step and tenth, then the result on standard output', async () => {
  tasks(rating(0), rating(10), rating(20), rating(500), over);
  const { code, out, err } = await terminal.ask(run);
  assert.equal(code, 0);
  assert.equal(
    err,
    [
      'sync C001/sp16: fetch done',
      'sync C001/sp16: rate 0/1,000 records',
      'sync C001/sp16: rate 500/1,000 records',
      'sync C001/sp16: rate done',
      'sync C001/sp16: totals done',
      '',
    ].join('\n'),
  );
  assert.match(out, /^TASK .*\n7 +sp16 +0000000101 +succeeded +files 3, records 4800\n$/);
});

test('draws bars over each other on a terminal', async () => {
  tasks(rating(500), over);
  const { err } = await terminal.ask(run, { tty: true });
  assert.match(err, /rate {3}\[#{15}-{15}\] 500\/1,000 records/);
  assert.ok(err.includes('\x1b[4A\rsync C001/sp16\x1b[K\n'), JSON.stringify(err));
  assert.match(err, /totals \[#{30}\] done/);
});

test('with --json only the end is written', async () => {
  tasks(rating(500), over);
  const { code, out, err } = await terminal.ask([...run, '--json']);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(JSON.parse(out)[0].status, 'succeeded');
});

test('a task that failed, or whose chain waits for a person, is exit 1 with its reason', async () => {
  tasks(taskView({ status: 'failed', chain: chainView({ state: 'failed', reason: 'wrong account' }) }));
  const failed = await terminal.ask(run);
  assert.equal(failed.code, 1);
  assert.match(failed.out, /failed +.*wrong account/);
  tasks(taskView({ chain: chainView({ state: 'blocked', reason: 'unknown step' }) }));
  const blocked = await terminal.ask(run);
  assert.equal(blocked.code, 1);
  assert.match(blocked.out, /blocked +.*unknown step/);
});

test('a recalculation is waited for with the steps of its chain', async () => {
  terminal.services.chainViews.splice(0, 1, chainDetail(), chainDetail({ state: 'succeeded', step: 'totals' }));
  const { code, out, err } = await terminal.ask(recalculate);
  assert.equal(code, 0);
  const [ended, waits] = out.split('\n');
  assert.equal(ended, 'chain 42 succeeded');
  assert.match(waits!, /^generation 3 of 0000000101 2026-03-01 waits for a person, 2 stays current: the amount falls/);
  assert.match(err, /totals 0000000101 2026-03-01: rate 1,200\/4,800 records\n/);
  terminal.services.chainViews.splice(0, 1, chainDetail({ state: 'dead', reason: 'totals differ' }));
  const dead = await terminal.ask(recalculate);
  assert.deepEqual([dead.code, dead.out.split('\n')[0]], [1, 'chain 42 dead: totals differ']);
});

test('goes on waiting while the service is started again', async () => {
  tasks(rating(500), over);
  let naps = 0;
  terminal.onSleep = async () => {
    naps += 1;
    if (naps === 1) await terminal.stopService();
    if (naps === 5) await terminal.startService();
  };
  const { code } = await terminal.ask(run);
  assert.deepEqual([code, naps], [0, 5]);
});

test('gives up on a service that stays away for a minute: exit 69', async () => {
  tasks(rating(500));
  let naps = 0;
  terminal.onSleep = async () => {
    naps += 1;
    if (naps === 1) await terminal.stopService();
  };
  const { code } = await terminal.ask(run);
  assert.equal(code, 69);
  assert.ok(naps > 190 && naps < 210, String(naps));
});

test('an import by hand fails when its file was refused or held back, and says so', async () => {
  const brought = ['import', '--from-archive', 'file.dat.gz', '--customer', 'C001', '--wait'];
  const ended = (counts: Record<string, number>) => taskView({ status: 'succeeded', counts, steps: [] });
  for (const [counts, code, words] of [
    [{ files: 1, records: 6, quarantinedFiles: 0, heldBack: 0 }, 0, /succeeded, 6 records$/],
    [
      { files: 0, records: 0, quarantinedFiles: 1, heldBack: 0 },
      1,
      /0 records; 1 refused, see why: linekeeper alert list$/,
    ],
    [{ files: 0, records: 0, quarantinedFiles: 0, heldBack: 2 }, 1, /0 records; 2 held back by a file before that/],
  ] as const) {
    tasks(ended(counts));
    const answer = await terminal.ask(brought);
    assert.deepEqual([answer.code, words.test(answer.out.trimEnd())], [code, true], answer.out);
  }
});
