/** Chains as the doors show them, and what a person may do to them. */
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { ChainDetailView, ChainView, ChainWhyView, DeadRetriedView, ProgressView } from '../admin/views.ts';
import { ChainCommandError, cancelChain, resolveChainAlerts, retryChain } from '../chains/commands.ts';
import { removeDeadLetter, retryDeadLetters } from '../chains/dead-letters.ts';
import { type ChainRow, listChains, showChain } from '../chains/queries.ts';
import { createRegistry } from '../chains/registry.ts';
import { replayChain } from '../chains/replay.ts';
import { why } from '../chains/why.ts';
import type { ServiceContext } from './context.ts';

export function chainView(context: ServiceContext, row: ChainRow): ChainView {
  return {
    id: row.id,
    name: row.name,
    subject: row.subject,
    step: row.step,
    state: row.state,
    reason: row.reason,
    attempt: row.attempt,
    rejections: row.rejections,
    since: row.since.toISOString(),
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    progress: progressOf(context, row.id),
  };
}

export function progressOf(context: ServiceContext, chainId: string): ProgressView | null {
  const running = context
    .engine()
    ?.running()
    .find((step) => step.chainId === chainId);
  if (running?.done == null || running.total == null) return null;
  return { done: running.done, total: running.total, unit: running.unit ?? '' };
}

export function chainServices(context: ServiceContext) {
  const { database } = context;

  async function detail(id: string): Promise<ChainDetailView | null> {
    const row = await showChain(database, id);
    if (!row) return null;
    const definition = context.definitions.find((one) => one.name === row.name && one.version === row.version);
    return {
      ...chainView(context, row),
      steps: definition?.steps.map((step) => step.name) ?? [row.step],
      input: row.input,
      traceparent: row.traceparent,
      log: row.log.map((entry) => ({
        token: entry.token,
        at: entry.at.toISOString(),
        step: entry.step,
        attempt: entry.attempt,
        outcome: entry.outcome,
        reason: entry.reason,
        durationMs: entry.startedAt ? entry.at.getTime() - entry.startedAt.getTime() : null,
      })),
    };
  }

  async function after(id: string, command: () => Promise<void>): Promise<ChainView> {
    try {
      await command();
    } catch (error) {
      if (error instanceof ChainCommandError) throw new ServiceError('conflict', error.message, { cause: error });
      throw error;
    }
    context.wake();
    const row = await showChain(database, id);
    if (!row) throw new ServiceError('not-found', `chain ${id} does not exist; see: linekeeper chain list`);
    return chainView(context, row);
  }

  return {
    async chains(filter: { state?: string; name?: string; limit: number }): Promise<readonly ChainView[]> {
      const { state, name, limit } = filter;
      const rows = await listChains(database, {
        limit,
        ...(state ? { states: [state] } : {}),
        ...(name ? { name } : {}),
      });
      return rows.map((row) => chainView(context, row));
    },
    chain: detail,
    async chainWhy(id: string): Promise<ChainWhyView | null> {
      const answer = await why(database, id);
      const row = answer && (await showChain(database, id));
      if (!answer || !row) return null;
      const next = answer.clearsByItself ? [] : [`linekeeper chain show ${id}`];
      return { id, state: row.state, because: answer.sentence, until: null, next };
    },
    cancelChain: ({ by, id }: By & { id: string }) =>
      after(id, async () => {
        const engine = context.engine();
        if (engine) await engine.cancel(database, id, by);
        else await cancelChain(database, id, by);
        resolveChainAlerts(context.alerts, id);
      }),
    async retryDead({ by, ...filter }: By & { name?: string; step?: string }): Promise<DeadRetriedView> {
      const answer = await retryDeadLetters(database, filter, by);
      for (const id of answer.retried) resolveChainAlerts(context.alerts, id);
      context.wake();
      return answer;
    },
    removeDead: ({ by, id, why: reason }: By & { id: string; why: string }) =>
      after(id, async () => {
        await removeDeadLetter(database, id, by, reason);
        resolveChainAlerts(context.alerts, id);
      }),
    replayChain: ({ by, id, from }: By & { id: string; from: string }) =>
      after(id, async () => {
        await replayChain(database, createRegistry(context.definitions), id, from, by);
        resolveChainAlerts(context.alerts, id);
      }),
    retryChain: ({ by, id }: By & { id: string }) =>
      after(id, async () => {
        await retryChain(database, id, by);
        resolveChainAlerts(context.alerts, id);
      }),
  };
}
