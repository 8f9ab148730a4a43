import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseGuard } from '../../actors/release-guard.ts';
import type { GuardEvents } from '../../src/release/guard.ts';
import { startTree, supervisor } from '../../supervisors/tree.ts';
import { idle } from '../supervisors/recorder.ts';

/** Each look does what the next of `looks` says; resolves to everything that was said. */
async function saidBy(looks: readonly ((events: GuardEvents) => void)[]): Promise<string[]> {
  const said: string[] = [];
  let left = looks;
  const actor = releaseGuard({
    open: (events) => ({
      async look() {
        const [first, ...rest] = left;
        left = rest;
        first?.(events);
      },
      describe: () => 'in order',
    }),
    onMoved: (why) => said.push(`75: ${why}`),
    onDeleted: (error) => said.push(`70: ${error.message}`),
    alerts: {
      raise: ({ rule, subject, level, message }) => said.push(`${level} ${rule} of ${subject}: ${message}`),
      resolve: (rule, subject) => said.push(`resolved ${rule} of ${subject}`),
    },
    node: () => 'host state',
    log: { warn: (_fields, message) => said.push(`warning: ${message}`) },
    intervalMs: 1,
  });
  const root = await startTree(supervisor({ id: 'guardians', children: [actor] }), {
    // the next look may stand in the mailbox when the tree stops
    report: ({ type }) => void (type === 'messages-dropped' || said.push(type)),
  });
  while (left.length > 0) await idle();
  await idle();
  await root.stop(1_000);
  return said;
}

test('a move ends the node with 75, a deletion with an alert and 70', async () => {
  assert.deepEqual(await saidBy([(events) => events.onMoved('/releases/2')]), [
    '75: moving to the release /releases/2',
  ]);
  assert.deepEqual(await saidBy([(events) => events.onDeleted('it was deleted')]), [
    'critical release.deleted of host state: it was deleted',
    '70: it was deleted',
  ]);
});

test('a release that is refused is logged and alerted, and being well again resolves all', async () => {
  assert.deepEqual(await saidBy([(events) => events.onTrouble('it does not load'), (events) => events.onWell()]), [
    'warning: the release that is wanted cannot be started',
    'critical release.refused of host state: it does not load',
    'resolved release.refused of host state',
    'resolved release.deleted of host state',
  ]);
});

test('looks that fail are logged once until one succeeds, and cost no restart', async () => {
  const fail = () => {
    throw new Error('EIO');
  };
  const warning = 'warning: the release directories cannot be looked at; it is tried again';
  assert.deepEqual(await saidBy([fail, fail, () => {}, fail]), [warning, warning]);
});
