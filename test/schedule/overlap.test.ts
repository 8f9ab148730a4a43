import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lateSchedules } from '../../src/schedule/late.ts';
import { enableSchedule, ensureSchedule } from '../../src/schedule/schedule.ts';
import { type ScheduleHarness, scheduleHarness } from './harness.ts';

let h: ScheduleHarness;
before(async () => {
  h = await scheduleHarness();
});
after(() => h.close());

const past = new Date(Date.now() - 183 * 86_400_000);
const halfAYearAgo = new Date(Date.UTC(past.getUTCFullYear(), past.getUTCMonth(), 1, 4));

const open = 'chain N of an earlier slot is still open';
const waits = `queued: ${open}`;
const full = `skipped: ${open}, and the slot of N waits already`;
const last = 'skipped: missed, and catch-up is last';
const ofTwo = 'skipped: missed, and catch-up is all of at most 2';

for (const [catchUp, overlap, expected] of [
  ['none', 'skip', Array(4).fill('skipped: missed, and catch-up is none')],
  ['none', 'queueOne', Array(4).fill('skipped: missed, and catch-up is none')],
  ['none', 'allow', Array(4).fill('skipped: missed, and catch-up is none')],
  ['last', 'skip', [last, last, last, 'fired']],
  ['last', 'queueOne', [last, last, last, 'fired']],
  ['last', 'allow', [last, last, last, 'fired']],
  ['all', 'skip', ['fired', ...Array(3).fill(`skipped: ${open}`)]],
  ['all', 'queueOne', ['fired', waits, full, full]],
  ['all', 'allow', Array(4).fill('fired')],
  ['all of 2', 'skip', [ofTwo, ofTwo, 'fired', `skipped: ${open}`]],
  ['all of 2', 'queueOne', [ofTwo, ofTwo, 'fired', waits]],
  ['all of 2', 'allow', [ofTwo, ofTwo, 'fired', 'fired']],
] as const) {
  for (const plan of ['cron', 'period'] as const) {
    test(`a node that slept over four slots of a ${plan}: catch-up ${catchUp}, overlap ${overlap}`, async () => {
      const name = `${catchUp.replaceAll(' ', '-')}.${overlap}.${plan}`;
      await ensureSchedule(h.database, {
        name,
        chain: 'tick',
        input: { every: 5 },
        overlap,
        catchUp: catchUp === 'all of 2' ? 'all' : catchUp,
        ...(catchUp === 'all of 2' && { catchUpMax: 2 }),
        ...(plan === 'cron'
          ? { cron: `0-15/5 4 1 ${halfAYearAgo.getUTCMonth() + 1} *`, timeZone: 'UTC' }
          : { everyMs: 86_400_000 }),
      });
      // the last of four was long enough ago to be missed, and no other is due during the test
      const stored = plan === 'cron' ? halfAYearAgo : new Date(Date.now() - 3.5 * 86_400_000);
      await h.database.query('update schedule set next_due_at = $2 where name = $1', [name, stored]);
      const { slots, errors } = await h.fire();
      assert.deepEqual(errors, []);
      assert.equal(slots.length, 4);
      assert.deepEqual(await h.slotsOf(name), expected);
      assert.deepEqual((await h.fire()).slots, []);
    });
  }
}

test('a slot that waits starts when the open chain ends, and then the next one may wait', async () => {
  await h.missed(1, { name: 'queue', overlap: 'queueOne' });
  await h.fire();
  for (const _ of [1, 2]) {
    await h.dueAgain('queue');
    await h.fire();
  }
  assert.deepEqual(await h.slotsOf('queue'), ['fired', waits, full]);
  assert.deepEqual((await h.fire()).slots, [], 'while the chain is open nothing starts');
  await h.endChains('queue', 'succeeded');
  const nodes = await Promise.all([h.fire(), h.fire(), h.fire()]);
  const [slot, ...others] = nodes.flatMap(({ slots }) => slots);
  assert.deepEqual([slot!.result, others], ['fired', []]);
  assert.deepEqual(await h.slotsOf('queue'), ['fired', `fired: waited: ${open}`, full]);
  await h.dueAgain('queue');
  await h.fire();
  assert.equal((await h.slotsOf('queue')).at(-1), waits);
});

for (const [what, end] of [
  ['failed', (name: string) => h.endChains(name, 'failed')],
  ['cancelled', (name: string) => h.endChains(name, 'cancelled')],
  ['dead', (name: string) => h.endChains(name, 'dead')],
  ['quarantined', (name: string) => h.endChains(name, 'quarantined')],
  [
    'deleted',
    (name: string) =>
      h.database.query('delete from chain where id in (select chain_id from schedule_slot where schedule = $1)', [
        name,
      ]),
  ],
] as const) {
  test(`a chain that is ${what} stops no schedule, whatever its overlap`, async () => {
    for (const overlap of ['skip', 'queueOne', 'allow'] as const) {
      const name = `${what}.${overlap}`;
      await h.missed(1, { name, overlap });
      await h.fire();
      await h.dueAgain(name);
      await h.fire();
      await end(name);
      await h.dueAgain(name);
      await h.fire();
      await end(name);
      await h.fire();
      const fired = (await h.slotsOf(name)).filter((slot) => slot.startsWith('fired'));
      assert.equal(fired.length, overlap === 'skip' ? 2 : 3, name);
    }
  });
}

test('a dead chain that is retried holds its schedule up again', async () => {
  await h.missed(1, { name: 'retried' });
  await h.fire();
  await h.endChains('retried', 'dead');
  await h.database.query(`update chain set state = 'ready' where state = 'dead' and subject = 'schedule retried'`);
  await h.dueAgain('retried');
  await h.fire();
  assert.deepEqual(await h.slotsOf('retried'), ['fired', `skipped: ${open}`]);
});

test('a slot that waits and cannot be fired is late with the reason, although the next one is not due yet', async () => {
  await h.missed(1, { name: 'stuck', overlap: 'queueOne' });
  await h.fire();
  await h.dueAgain('stuck');
  await h.fire();
  const late = async () => (await lateSchedules(h.database, 0)).filter(({ name }) => name === 'stuck');
  assert.deepEqual(await late(), [], 'while its chain is open it is not late');
  await h.endChains('stuck', 'succeeded');
  await h.database.query(`update schedule set input = '{"evry": 5}' where name = 'stuck'`);
  assert.equal((await h.fire()).errors[0]!.schedule, 'stuck');
  const [one] = await late();
  assert.match(one!.error!, /chain tick refuses its input/);
  await h.database.query(`update schedule set input = '{"every": 5}' where name = 'stuck'`);
  await h.fire();
  assert.deepEqual(await late(), []);
  assert.deepEqual(await h.slotsOf('stuck'), ['fired', `fired: waited: ${open}`]);
});

test('switched off, a slot that waits is skipped and says so; switched on, nothing of that time is made up for', async () => {
  await h.missed(1, { name: 'off', overlap: 'queueOne' });
  await h.fire();
  await h.dueAgain('off');
  await h.fire();
  await enableSchedule(h.database, 'off', false);
  await h.endChains('off', 'succeeded');
  await h.dueAgain('off');
  await h.fire();
  await enableSchedule(h.database, 'off', true);
  await h.fire();
  assert.deepEqual(await h.slotsOf('off'), ['fired', 'skipped: the schedule was switched off while it waited']);
});
