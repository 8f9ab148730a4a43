/**
 * Waits for work that the service does, by asking again and again: the work is the service's, so breaking off here stops
 * nothing. A service that is restarted meanwhile is waited for a minute.
 */
import type { ChainDetailView, SyncTaskView } from '../admin/views.ts';
import type { AdminClient } from './admin-client.ts';
import type { CliIo } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import type { ProgressView, StepProgress } from './progress.ts';

const everyMs = 300;
const patienceMs = 60_000;

/** States that no chain leaves by itself; a person has to look. */
const stuck = new Set(['dead', 'blocked', 'review', 'quarantined', 'paused']);
const ended = new Set(['succeeded', 'failed', 'cancelled']);

export async function waitForTask(
  io: CliIo,
  client: AdminClient,
  id: string,
  progress?: ProgressView,
): Promise<SyncTaskView> {
  let told: string | null = null;
  return poll(io, async () => {
    const task = await client.get<SyncTaskView>(`/sync/tasks/${id}`);
    progress?.update(`sync ${task.customer}/${task.profile}`, task.steps);
    // a step that tries again later is no news to the progress bars, but the reason is to whoever waits here
    const reason = task.chain?.state === 'timer' ? task.chain.reason : null;
    if (reason !== null && reason !== told) io.stderr.write(`sync ${task.customer}/${task.profile} waits: ${reason}\n`);
    told = reason;
    return task.status !== 'open' || stuck.has(task.chain?.state ?? '') ? task : null;
  });
}

export async function waitForChain(
  io: CliIo,
  client: AdminClient,
  id: string,
  title: string,
  progress?: ProgressView,
): Promise<ChainDetailView> {
  return poll(io, async () => {
    const chain = await client.get<ChainDetailView>(`/chains/${id}`);
    progress?.update(title, stepsOf(chain));
    return ended.has(chain.state) || stuck.has(chain.state) ? chain : null;
  });
}

async function poll<T>(io: CliIo, look: () => Promise<T | null>): Promise<T> {
  let lastSeenMs = io.nowMs();
  for (;;) {
    try {
      const result = await look();
      if (result !== null) return result;
      lastSeenMs = io.nowMs();
    } catch (error) {
      const away = error instanceof CliError && error.exitCode === exitCode.unreachable;
      if (!away || io.nowMs() - lastSeenMs > patienceMs) throw error;
    }
    await io.sleep(everyMs);
  }
}

function stepsOf(chain: ChainDetailView): StepProgress[] {
  const at = chain.steps.indexOf(chain.step);
  return chain.steps.map((name, i) => {
    if (i < at || chain.state === 'succeeded') return { name, state: 'done', progress: null };
    if (i > at) return { name, state: 'waiting', progress: null };
    const broken = ended.has(chain.state) || stuck.has(chain.state);
    return { name, state: broken ? 'failed' : 'running', progress: chain.progress };
  });
}
