import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeTree } from '../../actors/tree.ts';
import { actor, ask, type Root, startTree } from '../../supervisors/tree.ts';
import type { ChildSpec, Reply } from '../../supervisors/types.ts';

interface Question {
  readonly reply: Reply<string>;
}

const idle = (id: string): ChildSpec => actor<unknown, null>({ id, init: () => null, receive: (state) => state });

test('while the engine drains at a stop, the router still answers its steps', async () => {
  let root: Root | null = null;
  let answer = '';
  const router = actor<Question, null>({
    id: 'router',
    init: () => null,
    receive(state, { reply }) {
      reply('routed');
      return state;
    },
  });
  const engine = actor<unknown, null>({
    id: 'engine',
    init: () => null,
    receive: (state) => state,
    async terminate() {
      const ref = root!.ref<Question>('work/providers/router');
      answer = await ask<Question, string>(ref, (reply) => ({ reply }), { deadlineMs: 1_000 }).catch(
        (error: Error) => error.message,
      );
    },
  });
  const tree = nodeTree({
    observability: [idle('admin')],
    infrastructure: [idle('database')],
    chains: [engine],
    providers: [router],
    scheduler: [idle('scheduler')],
    guardians: [idle('auditor')],
  });
  root = await startTree(tree, { report() {} });
  await root.stop(5_000);
  assert.equal(answer, 'routed');
});
