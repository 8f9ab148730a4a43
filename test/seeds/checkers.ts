/** What must be true in the end, whatever the providers did. Each checker answers what is wrong in sentences. */
import type { TotalsView } from '../../src/admin/views.ts';
import { compareCycle, type TruthCycle } from '../../src/cli/demo/truth.ts';
import type { Database } from '../../src/database/session.ts';
import { call } from '../support/service.ts';
import type { SeedPlan } from './plan.ts';
import { readJson, type SeedWorld } from './world.ts';

export interface Evidence {
  readonly plan: SeedPlan;
  readonly world: SeedWorld;
  readonly database: Pick<Database, 'query'>;
  readonly socket: string;
  /** Paths below the drops, markers too. */
  readonly delivered: readonly string[];
  /** How often every profile was asked to sync. */
  readonly rounds: number;
}

type Checker = (evidence: Evidence) => Promise<string[]>;

export async function checkAll(evidence: Evidence): Promise<string[]> {
  const findings: string[] = [];
  for (const check of [totalsAreTrue, filesHaveOneState, chainsEnded, callsAreBounded]) {
    findings.push(...(await check(evidence)));
  }
  return findings;
}

/** Totals, record counts and unrated records, to the last digit. */
const totalsAreTrue: Checker = async ({ world, socket }) => {
  const ofFiles = readJson<{ cycles: (TruthCycle & { provider?: string })[] }>(world.fileTruth).cycles;
  const ofCalls = await world.control<{ cycles: (TruthCycle & { provider?: string })[] }>('GET', 'truth');
  const truths = [...ofFiles.filter(({ provider }) => provider === undefined), ...ofCalls.cycles];
  const findings: string[] = [];
  for (const truth of truths) {
    const path = `/totals?customer=${truth.customer}&cycle=${truth.cycleStart}&numbers=true`;
    const views = await call<TotalsView[]>(socket, 'GET', path).catch((): TotalsView[] => []);
    const { differences } = compareCycle(
      truth,
      views.find((view) => view.account === truth.account),
    );
    const about = `${truth.customer} ${truth.account} ${truth.cycleStart}`;
    findings.push(...differences.map((difference) => `${about}: ${difference}`));
  }
  return findings;
};

const filesHaveOneState: Checker = async ({ database, delivered }) => {
  const findings: string[] = [];
  const open = await database.query(`select name, state from raw_file where state = 'received'`);
  findings.push(...open.map(({ name }) => `${name} was received and nothing more`));
  const twice = await database.query(`
    select min(name) as name, count(*)::int as n from raw_file where state <> 'duplicate'
    group by contract_id, sha256 having count(*) > 1`);
  findings.push(...twice.map(({ name, n }) => `the bytes of ${name} are ${n} files`));
  const known = new Set((await database.query('select distinct name from raw_file')).map(({ name }) => name as string));
  for (const path of delivered.filter((one) => /\.gz$/.test(one))) {
    const name = path.split('/').at(-1)!;
    if (!known.has(name)) findings.push(`${name} was delivered and has no state`);
  }
  return findings;
};

const chainsEnded: Checker = async ({ database }) => {
  const stuck = await database.query(`
    select name, step, state::text, reason from chain
    where state not in ('succeeded', 'failed', 'cancelled') and name not like 'node-proof%' and name <> 'sync-manager'`);
  const tasks = await database.query(`select id from sync_task where status = 'open'`);
  return [
    ...stuck.map(({ name, step, state, reason }) => `chain ${name}, step ${step}, is ${state}: ${reason}`),
    ...tasks.map(({ id }) => `sync task ${id} is open`),
  ];
};

/** A fault costs a few calls more, never a storm of them. */
const mostCallsARound = 80;

const callsAreBounded: Checker = async ({ world, rounds }) => {
  const { endpoints } = await world.control<{ endpoints: Record<string, { calls: number }> }>('GET', 'stats');
  return Object.entries(endpoints)
    .filter(([, { calls }]) => calls > mostCallsARound * rounds)
    .map(([name, { calls }]) => `${name} was called ${calls} times in ${rounds} rounds`);
};
