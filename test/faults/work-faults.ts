/** Faults that come as work, or from people: what cannot be committed, what kills its process, floods, and commands. */
import { setTimeout as delay } from 'node:timers/promises';
import { ChainCommandError, cancelChain, retryChain } from '../../src/chains/commands.ts';
import { endPause, setPause } from '../../src/chains/pause.ts';
import { type Fault, type Scene, soon } from './fault.ts';
import { mayPass, type Stage } from './stage.ts';
import { bad, badKinds, badShared, type PoisonKind, poison, poisonKinds } from './trouble-chains.ts';
import { allChains, burst, family } from './workload-chains.ts';

async function stateOf(stage: Stage, chainId: string): Promise<string> {
  return (await stage.ask('select state from chain where id = $1', [chainId]))[0]!.state;
}

const badOnes: Fault = {
  name: 'completions that cannot be committed, among good ones',
  row: 3,
  lane: 'work',
  async inject({ stage, load, draw }) {
    const ids: string[] = [];
    for (const kind of draw.shuffled(badKinds)) {
      ids.push(await load.enqueue(bad, { kind }), await load.enqueue(badShared, { kind }));
      await load.enqueue(burst, { ms: 0 });
    }
    const dead = await soon(async () => {
      const rows = await stage.ask(`select 1 from chain where id = any ($1::bigint[]) and state = 'dead'`, [ids]);
      return rows.length === ids.length ? rows.length : null;
    }, 60_000);
    return dead === null ? null : `${dead} chains dead-lettered`;
  },
};

const poisonNames: Record<PoisonKind, string> = {
  exit: 'a step that ends its process',
  loop: 'a step that never gives the loop back',
  stray: 'a rejection that nobody awaits',
  thread: 'a compute thread out of memory',
};

function poisoned(kind: PoisonKind): Fault {
  return {
    name: poisonNames[kind],
    row: 7,
    lane: 'work',
    ...(kind === 'loop' ? { soakOnly: true as const } : {}),
    async inject({ stage, load }) {
      const chainId = await load.enqueue(poison, { kind }, { priority: 'critical' });
      const wanted: readonly string[] = [poisonKinds[kind], 'quarantined'];
      const state = await soon(async () => {
        const seen = await stateOf(stage, chainId);
        return ['dead', 'quarantined', 'succeeded', 'failed'].includes(seen) && seen;
      }, 90_000);
      if (state === null) return null;
      if (!wanted.includes(state)) throw new Error(`chain ${chainId}, ${poisonNames[kind]}, is ${state}`);
      return `chain ${chainId} is ${state}`;
    },
  };
}

const flood: Fault = {
  name: 'a flood of chains, and one with many children',
  row: 13,
  lane: 'work',
  async inject({ stage, load, draw }) {
    const chains = draw.int(1_000, 3_000);
    for (let sent = 0; sent < chains; sent += 250) {
      await Promise.all(Array.from({ length: 250 }, () => load.enqueue(burst, { ms: 0 }, { priority: 'low' })));
    }
    await load.enqueue(family, { children: draw.int(300, 1_000) });
    const [row] = await stage.ask(`select count(*)::int as n from chain where name = 'burst'`);
    return row!.n >= chains ? `${chains} chains` : null;
  },
};

/** As a person would, who tries again when the database is away. */
async function command(work: () => Promise<unknown>): Promise<'done' | 'refused'> {
  for (;;) {
    try {
      await work();
      return 'done';
    } catch (error) {
      if (error instanceof ChainCommandError) return 'refused';
      if (!mayPass(error)) throw error;
      await delay(200);
    }
  }
}

const paused: Fault = {
  name: 'a pause, and its end',
  row: 9,
  lane: 'work',
  async inject({ stage, draw }) {
    const scope = draw.pick(['all', 'all', 'chain:line', 'chain:shared', 'chain:family', 'chain:keyed']);
    const scopes = { chains: allChains.map(({ name }) => name), providers: [] };
    const pause = { scope, by: 'operator', why: 'the suite', until: null };
    await command(() => setPause(stage.database, scopes, pause));
    const held = await soon(async () => {
      const [row] = await stage.ask(`select count(*)::int as n from chain where state = 'paused'`);
      return row!.n > 0 ? (row!.n as number) : null;
    }, 6_000);
    await delay(draw.int(0, 1_500));
    await command(() => endPause(stage.database, scope));
    return held === null ? null : `${scope}: ${held} chains and more`;
  },
};

const cancelled: Fault = {
  name: 'chains cancelled in whatever state they are',
  row: 9,
  lane: 'work',
  async inject({ stage, draw }) {
    let done = 0;
    const states = new Set<string>();
    for (let times = draw.int(5, 20); times > 0; times -= 1) {
      const open = await stage.ask<{ id: string; state: string }>(
        `select id, state from chain where state in ('ready', 'running', 'timer', 'children', 'concurrency', 'paused')
         order by id desc limit 50`,
      );
      if (open.length === 0) await delay(50);
      else {
        const { id, state } = draw.pick(open);
        const ended = await command(() => cancelChain(stage.database, id, 'operator', 'the suite'));
        if (ended === 'done') {
          done += 1;
          states.add(state);
        }
      }
    }
    return done > 0 ? `${done} chains: ${[...states].join(', ')}` : null;
  },
};

/**
 * Chains that did no harm and stand quarantined because the process for suspects was killed under them, or got a fault of
 * their own: a person looks and lets them go on. Resolves to how many.
 */
export async function forgive({ stage }: Pick<Scene, 'stage'>): Promise<number> {
  const rows = await stage.ask<{ id: string }>(`select id from chain where state = 'quarantined' and name <> 'poison'`);
  for (const { id } of rows) await command(() => retryChain(stage.database, id, 'operator'));
  return rows.length;
}

export const workFaults: readonly Fault[] = [
  badOnes,
  ...(Object.keys(poisonKinds) as PoisonKind[]).map(poisoned),
  flood,
  paused,
  cancelled,
];
