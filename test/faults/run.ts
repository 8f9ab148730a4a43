/**
 * One run: a stage, work and faults drawn from the seed, and the checkers after the last fault. It fails when a checker finds
 * something, when not all work is done within `livenessMs` of the last fault, when a service does not stop in order, and
 * when a fault that was to be done hit nothing.
 */
import { auditChains } from '../../src/chains/audit.ts';
import { why } from '../../src/chains/why.ts';
import { ensureSchedule } from '../../src/schedule/schedule.ts';
import { checkers, drainedChecker, type Evidence } from './checkers.ts';
import { type Draw, drawFrom } from './draw.ts';
import { carryOut, type Injected } from './driver.ts';
import { type Fault, type Lane, soon } from './fault.ts';
import { createLoad, type Load } from './load.ts';
import { networkFaults } from './network-faults.ts';
import { nodeFaults } from './node-faults.ts';
import { drawPlan, type Plan } from './plan.ts';
import { openStage, type Stage } from './stage.ts';
import { storeFaults } from './store-faults.ts';
import { forgive, workFaults } from './work-faults.ts';

export const allFaults: readonly Fault[] = [...nodeFaults, ...storeFaults, ...networkFaults, ...workFaults];

export interface RunOptions {
  readonly seed: string;
  /** How long faults go on. */
  readonly forMs: number;
  /** So many faults of each lane instead of as many as the time allows. */
  readonly counts?: Readonly<Record<Lane, number>>;
  /** After the last fault all work must be done within so long. */
  readonly livenessMs: number;
  readonly ownDisk: boolean;
  /** Ends the run, and everything that it started. */
  readonly signal?: AbortSignal;
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly injected: readonly Injected[];
  /** What is wrong; empty: nothing. */
  readonly findings: readonly string[];
  /** For people: how much work was done, how often services ended, and so on. */
  readonly figures: readonly string[];
}

/** How many processes each service has: one to three nodes, in most runs with a primary, so that there is one to kill. */
function drawServices(draw: Draw): number[] {
  return draw.pick([[1], [2], [1, 1], [2, 1], [2, 1]]);
}

export function planOf({ seed, counts }: Pick<RunOptions, 'seed' | 'counts'>): { services: number[]; plan: Plan } {
  const draw = drawFrom(seed);
  const services = drawServices(draw.fork('services'));
  const faults = counts ? allFaults.filter((fault) => !fault.soakOnly) : allFaults;
  return { services, plan: drawPlan(draw.fork('faults'), faults, counts) };
}

export async function runFaults(options: RunOptions): Promise<RunResult> {
  const { seed, say } = options;
  const { services, plan } = planOf(options);
  say(`seed ${seed}: services of ${services.join(' and ')} processes`);
  const stage = await openStage({ services, ownDisk: options.ownDisk, say });
  let result: RunResult | null = null;
  try {
    result = await Promise.race([play(stage, plan, options), interrupted(options.signal)]);
    return result;
  } finally {
    await stage.close(result?.findings.length === 0 ? undefined : 'keep');
  }
}

async function play(stage: Stage, plan: Plan, { seed, forMs, livenessMs }: RunOptions): Promise<RunResult> {
  const load = createLoad(stage);
  await bringSchedule(stage);
  await Promise.all(stage.services.map((service) => stage.works(service)));
  load.start(drawFrom(seed).fork('work'));
  const injected = await carryOut(possible(plan, stage), { stage, load }, forMs);
  await load.stop();
  return judge(stage, load, injected, livenessMs);
}

function interrupted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function possible(plan: Plan, stage: Stage): Plan {
  const of = (lane: Lane) => plan[lane].filter(({ fault }) => fault.possible?.(stage) ?? true);
  return { nodes: of('nodes'), stores: of('stores'), network: of('network'), work: of('work') };
}

async function bringSchedule(stage: Stage): Promise<void> {
  await ensureSchedule(stage.database, {
    name: 'ticks',
    everyMs: 1_000,
    chain: 'tick',
    input: { ms: 5 },
    catchUp: 'all',
    catchUpMax: 1_000,
    overlap: 'allow',
  });
}

async function judge(stage: Stage, load: Load, injected: readonly Injected[], livenessMs: number): Promise<RunResult> {
  const findings = injected.flatMap(({ name, error }) => (error ? [`${name}: ${error.message}`] : []));
  findings.push(...nothingHit(injected));
  const beganMs = performance.now();
  let forgiven = 0;
  await stage.ask(`update schedule set enabled = false where name = 'ticks'`);
  const done = await soon(async () => {
    forgiven += await forgive({ stage });
    return (await openChains(stage)).length === 0 && (await auditChains({ query: stage.ask })).length === 0;
  }, livenessMs);
  const doneMs = Math.round(performance.now() - beganMs);
  if (!done) findings.push(...(await stuck(stage, livenessMs)));
  const evidence: Evidence = { ask: stage.ask, acknowledged: load.acknowledged() };
  for (const { name, check } of checkers) {
    for (const line of await check(evidence)) findings.push(`${name}: ${line}`);
  }
  const ends = await Promise.all(stage.services.map((service) => service.down('SIGTERM')));
  for (const [index, { code, signal }] of ends.entries()) {
    if (code !== 0) findings.push(`${stage.services[index]!.name} did not stop in order: ${signal ?? `exit ${code}`}`);
  }
  for (const { name, ends: own } of stage.services) {
    if (own()['exit 78'])
      findings.push(`${name} refused to start ${own()['exit 78']} times, which only a person mends`);
  }
  for (const line of await drainedChecker.check(evidence)) findings.push(`${drainedChecker.name}: ${line}`);
  for (const { finding, chains, chainIds } of await auditChains({ query: stage.ask })) {
    findings.push(`audit: ${chains} chains ${finding}: ${chainIds.join(', ')}`);
  }
  return { injected, findings, figures: await figuresOf(stage, doneMs, forgiven) };
}

function nothingHit(injected: readonly Injected[]): string[] {
  const hit = new Set(injected.filter((one) => one.hit !== null || one.error !== null).map(({ name }) => name));
  const missed = new Set(injected.map(({ name }) => name).filter((name) => !hit.has(name)));
  return [...missed].map((name) => `the fault "${name}" hit nothing`);
}

function openChains(stage: Stage): Promise<{ id: string; name: string; state: string }[]> {
  return stage.ask(`
    select id, name, state from chain
    where state not in ('succeeded', 'failed', 'cancelled', 'dead', 'quarantined') order by id limit 20`);
}

async function stuck(stage: Stage, livenessMs: number): Promise<string[]> {
  const lines: string[] = [];
  for (const { id, name } of await openChains(stage)) {
    const told = await why({ query: stage.ask }, id);
    lines.push(`${livenessMs / 1_000} s after the last fault not all is done: ${name}: ${told?.sentence}`);
  }
  for (const { finding, chainIds } of await auditChains({ query: stage.ask })) {
    lines.push(`${livenessMs / 1_000} s after the last fault the audit says: ${finding}: ${chainIds.join(', ')}`);
  }
  return lines;
}

async function figuresOf(stage: Stage, doneMs: number, forgiven: number): Promise<string[]> {
  const states = await stage.ask('select state, count(*)::int as n from chain group by state order by n desc');
  const outcomes = await stage.ask('select outcome, count(*)::int as n from step_log group by outcome order by n desc');
  const [slots] = await stage.ask(`select count(*)::int as n from schedule_slot where schedule = 'ticks'`);
  const counted = (rows: readonly Record<string, unknown>[], by: string) =>
    rows.map((row) => `${row.n} ${row[by]}`).join(', ');
  return [
    `chains: ${counted(states, 'state')}`,
    `log: ${counted(outcomes, 'outcome')}`,
    `${slots!.n} slots of the schedule; all work done ${(doneMs / 1_000).toFixed(1)} s after the last fault; ${forgiven} quarantined chains retried by a person`,
    ...stage.services.map((service) => {
      const ends = Object.entries(service.ends()).map(([how, times]) => `${how} ${times} times`);
      const why = service.why() === null ? '' : `, the last 70 because of: ${service.why()}`;
      return `${service.name} ended without being told to: ${ends.join(', ') || 'never'}${why}`;
    }),
  ];
}
