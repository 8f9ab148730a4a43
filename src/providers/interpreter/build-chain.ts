/**
 * The chain of a provider, from its description: each command does what the description says, in one transaction. And the same
 * without fetching, for a file that is there already.
 */
import { type ChainDefinition, chain, type Handler, type Outcome, succeeded } from '../../chains/define.ts';
import { publishStale, rateStale } from '../../totals/steps.ts';
import type { Adapter, ChainStepSpec, Verb } from '../spec/adapter.ts';
import { type SyncInput, syncInput } from '../sync-input.ts';
import { fetchWith } from './fetch.ts';
import { importWith } from './import.ts';
import { readerOf } from './reader.ts';
import type { InterpreterServices } from './services.ts';

export function buildChain(adapter: Adapter, services: InterpreterServices): ChainDefinition<SyncInput> {
  const { name, version, steps } = adapter.chain;
  return steps.reduce(
    (built, step) => built.step(step.name, handlerOf(adapter, services, step), optionsOf(adapter, step)),
    chain(name, syncInput, version),
  );
}

/** For `import --from-archive`: what was received is imported, rated and totalled. */
export function buildReplay(adapter: Adapter, services: InterpreterServices): ChainDefinition<SyncInput> {
  const steps = adapter.chain.steps
    .map((step) => ({ ...step, does: step.does.filter((verb) => verb !== 'fetch') }))
    .filter(({ does }) => does.length > 0);
  return steps.reduce(
    (built, step) => built.step(step.name, handlerOf(adapter, services, step)),
    chain(replayName(adapter), syncInput, adapter.chain.version),
  );
}

export function replayName({ chain: { name } }: Pick<Adapter, 'chain'>): string {
  return `${name}-replay`;
}

function handlerOf(adapter: Adapter, services: InterpreterServices, { does }: ChainStepSpec): Handler<SyncInput> {
  const only = (verb: Verb) => does.length === 1 && does[0] === verb;
  if (only('import')) return importing(adapter, services);
  if (only('rate')) return rateStale(services.compute, services.alerts);
  if (only('totals')) return publishStale();
  if (does.includes('rate')) return oneAfterTheOther(rateStale(services.compute, services.alerts), publishStale());
  return fetching(adapter, services, does.includes('import'));
}

function fetching(adapter: Adapter, services: InterpreterServices, andImport: boolean): Handler<SyncInput> {
  const fetch = fetchWith(readerOf(adapter), services);
  const prepareImport = importWith(adapter, services);
  return async (context) => {
    const fetched = await fetch(context);
    if (fetched.kind === 'ended') return fetched.outcome;
    if (!andImport) return succeeded({ commit: async (tx) => (await fetched.store(tx)).counts });
    const prepared = await prepareImport(context, fetched.received);
    return succeeded({
      commit: async (tx) => {
        const { counts, received } = await fetched.store(tx);
        return { fetched: counts, imported: await prepared.store(tx, received) };
      },
    });
  };
}

function importing(adapter: Adapter, services: InterpreterServices): Handler<SyncInput> {
  const prepareImport = importWith(adapter, services);
  return async (context) => {
    const prepared = await prepareImport(context);
    return succeeded({ commit: (tx) => prepared.store(tx, []) });
  };
}

/** Both in one transaction, so the second may only read what the first wrote when it commits. */
function oneAfterTheOther(first: Handler<SyncInput>, second: Handler<SyncInput>): Handler<SyncInput> {
  return async (context): Promise<Outcome> => {
    const one = await first(context);
    if (one.kind !== 'succeeded') return one;
    const other = await second(context);
    if (other.kind !== 'succeeded') return other;
    return succeeded({
      output: [one.output, other.output],
      commit: async (tx, open) => [
        (await one.commit?.(tx, open)) ?? one.output,
        (await other.commit?.(tx, open)) ?? other.output,
      ],
    });
  };
}

function optionsOf({ limits, syncType }: Adapter, { does, deadlineMs, giveUpAfterMs }: ChainStepSpec) {
  const { sessionsPerCredential: limit } = limits;
  const inTurn = limit !== undefined && does.includes('fetch');
  const key = ({ session, profileId }: SyncInput) => `${syncType} ${session ?? `profile ${profileId}`}`;
  return {
    giveUpAfterMs: giveUpAfterMs ?? limits.giveUpAfterMs,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(inTurn ? { concurrency: { key, limit } } : {}),
  };
}
