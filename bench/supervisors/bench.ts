/**
 * `npm run bench -- supervisors [--rounds 7] [--messages 200000]`: the supervision library beside bare nact, in one
 * process and in turns. A tell is measured from the first send to the last handler; percentages are taken round by round.
 */
import { parseArgs } from 'node:util';
import { barePerMessageUs, bareQueries, bareTells } from './bare.ts';
import { inRounds, type Measured, percentOf, show, spread } from './measure.ts';
import { asks, crashUs, perMessageUs, perPoolChildUs, restarts, tells } from './supervised.ts';

export async function benchSupervisors(args: readonly string[]): Promise<void> {
  const { rounds, messages } = options(args);
  const results = [
    ...(await besideNact(rounds, messages)),
    ...(await restarting(rounds)),
    ...(await growing(rounds, messages)),
  ];
  show(results);
}

function options(args: readonly string[]): { rounds: number; messages: number } {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: 'string', default: '7' }, messages: { type: 'string', default: '200000' } },
  });
  const whole = (name: 'rounds' | 'messages') => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new RangeError(`--${name} must be a positive integer, not ${values[name]}`);
  };
  return { rounds: whole('rounds'), messages: whole('messages') };
}

async function besideNact(rounds: number, messages: number): Promise<Measured[]> {
  const questions = Math.ceil(messages / 4);
  const pairs = [
    { what: 'tell, sync handler', mine: () => tells(messages, 'sync'), other: () => bareTells(messages, 'sync') },
    { what: 'tell, async handler', mine: () => tells(messages, 'async'), other: () => bareTells(messages, 'async') },
    { what: 'ask, 1 at a time', mine: () => asks(questions, 1), other: () => bareQueries(questions, 1) },
    { what: 'ask, 100 at once', mine: () => asks(questions, 100), other: () => bareQueries(questions, 100) },
  ];
  const results: Measured[] = [];
  for (const { what, mine, other } of pairs) {
    const [ours, bare] = (await inRounds(rounds, [mine, other])) as [number[], number[]];
    results.push({
      what,
      unit: '1/s',
      rounds,
      value: spread(ours),
      beside: { what: 'bare nact', value: spread(bare), percent: percentOf(ours, bare) },
      bar: what.startsWith('tell') ? '>= 75 %, goal 90 %' : '>= 100 %',
    });
  }
  return results;
}

async function restarting(rounds: number): Promise<Measured[]> {
  const [perSecond, empty, full] = (await inRounds(rounds, [
    () => restarts(20_000),
    () => median(30, () => crashUs(30_000, 'a sibling')),
    () => median(30, () => crashUs(30_000, 'the crash')),
  ])) as [number[], number[], number[]];
  return [
    { what: 'restarts of one child', unit: '1/s', rounds, value: spread(perSecond), bar: '>= 30,000' },
    {
      what: 'crash with 30,000 queued',
      unit: 'us',
      rounds,
      value: spread(full),
      beside: { what: 'none behind it', value: spread(empty), percent: percentOf(full, empty) },
      bar: '100 %',
    },
  ];
}

async function median(times: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let time = 0; time < times; time += 1) values.push(await measure());
  return spread(values).median;
}

async function growing(rounds: number, messages: number): Promise<Measured[]> {
  const children = [10, 100, 1_000, 10_000];
  const perMessage = await inRounds(
    rounds,
    children.flatMap((count) => [() => perMessageUs(count, messages), () => barePerMessageUs(count, messages)]),
  );
  const sizes = [10_000, 100_000];
  const perChild = await inRounds(
    Math.min(3, rounds),
    sizes.map((count) => () => perPoolChildUs(count)),
  );
  const besideFirst = (all: readonly (readonly number[])[], at: number, what: string): Measured['beside'] => ({
    what,
    value: spread(all[0]!),
    percent: percentOf(all[at]!, all[0]!),
  });
  return [
    ...children.map((count, at) => ({
      what: `a message, ${count.toLocaleString('en')} children`,
      unit: 'us',
      rounds,
      value: spread(perMessage[2 * at]!),
      beside: {
        what: 'bare nact',
        value: spread(perMessage[2 * at + 1]!),
        percent: percentOf(perMessage[2 * at]!, perMessage[2 * at + 1]!),
      },
      bar: 'constant',
    })),
    ...sizes.map((count, at) => ({
      what: `start + stop, ${count.toLocaleString('en')} in a pool`,
      unit: 'us each',
      rounds: Math.min(3, rounds),
      value: spread(perChild[at]!),
      beside: besideFirst(perChild, at, '10,000'),
      bar: '100 %',
    })),
  ];
}
