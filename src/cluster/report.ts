/**
 * What the primary says about its processes: their states, the health of the whole, and one tree with the nodes' own trees
 * grafted under their processes. A node that does not answer within two seconds is named and left out, never waited for.
 */

import type { ActorSnapshot } from '../../supervisors/types.ts';
import type { HealthView, ProcessView } from '../admin/views.ts';
import type { NodeProcess } from './node-process.ts';
import { read } from './node-request.ts';

export interface ReportSources {
  /** One for each process, by index; null while there is none. */
  readonly nodes: () => readonly (NodeProcess | null)[];
  /** Null while the tree is starting. */
  readonly tree: () => ActorSnapshot | null;
  readonly release: string;
  readonly pid: number;
  readonly startedAt: Date;
  readonly warnings: () => readonly string[];
  readonly nowMs: () => number;
}

export interface ClusterReport {
  processes(): readonly ProcessView[];
  health(): Promise<HealthView>;
  /** Null while the tree is starting. */
  tree(): Promise<ActorSnapshot | null>;
  /** What each process is doing, in one line. */
  words(): string;
}

const answerMs = 2_000;

type Check = HealthView['checks'][number];

export function clusterReport(sources: ReportSources): ClusterReport {
  const { nodes, tree, release, pid, startedAt, warnings, nowMs } = sources;

  function processes(): ProcessView[] {
    const standing = tree();
    const actors = new Map((standing ? actorsOf(standing) : []).map((actor) => [actor.path, actor]));
    return nodes().map((node, at) => {
      const actor = actors.get(`processes/process-${at + 1}`);
      return {
        index: at + 1,
        pid: node?.pid ?? null,
        state: node ? (node.isStopping() ? 'stopping' : 'ready') : (actor?.state ?? 'starting'),
        status: node?.status() ?? null,
        restarts: actor?.restarts ?? 0,
        provenMsAgo: node ? Math.round(nowMs() - node.provenMs()) : null,
        lastError: actor?.lastError ?? null,
      };
    });
  }

  const words = () => processes().map(wordsOf).join('; ');
  const asked = <Answer>(path: string): Promise<(Answer | null)[]> =>
    Promise.all(nodes().map((node) => (node ? read<Answer>(node.socket, path, answerMs) : null)));

  return {
    processes,
    words,
    async health() {
      const answers = await asked<HealthView>('/health');
      const checks = processes().flatMap((process, at) => checksOf(process, answers[at] ?? null));
      const working = checks.filter(({ name, status }) => /^process \d+$/.test(name) && status !== 'failing');
      const every = checks.every(({ status }) => status === 'ok');
      const said = warnings();
      return {
        status: working.length === 0 ? 'failing' : every && said.length === 0 ? 'ok' : 'degraded',
        pid,
        node: 'primary',
        release,
        startedAt: startedAt.toISOString(),
        checks,
        warnings: said,
      };
    },
    async tree() {
      const own = tree();
      if (!own) return null;
      const trees = await asked<ActorSnapshot>('/tree');
      return graft(own, (path) => trees[indexOf(path) - 1] ?? null);
    },
  };
}

/** A process that is not ready is `failing`; what is wrong inside one that is comes after it. */
function checksOf(process: ProcessView, health: HealthView | null): Check[] {
  const name = `process ${process.index}`;
  if (process.state !== 'ready') return [{ name, status: 'failing', message: wordsOf(process) }];
  if (!health) return [{ name, status: 'failing', message: `${wordsOf(process)}; its socket does not answer` }];
  const status = health.status === 'failing' ? 'failing' : health.checks.some(isWrong) ? 'degraded' : 'ok';
  const inside = health.checks.filter(isWrong).map((check) => ({ ...check, name: `${name} ${check.name}` }));
  return [{ name, status, message: wordsOf(process) }, ...inside];
}

function isWrong({ status }: Check): boolean {
  return status !== 'ok';
}

function wordsOf({ index, pid, state, status, restarts, lastError }: ProcessView): string {
  return [
    `process ${index} is ${state}`,
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(status === null ? [] : [status]),
    ...(restarts === 0 ? [] : [`${restarts} restarts`]),
    ...(state === 'ready' || lastError === null ? [] : [`last error: ${lastError}`]),
  ].join(', ');
}

function indexOf(path: string): number {
  return Number(/^processes\/process-(\d+)$/.exec(path)?.[1] ?? 0);
}

function graft(actor: ActorSnapshot, nodeTree: (path: string) => ActorSnapshot | null): ActorSnapshot {
  const node = nodeTree(actor.path);
  if (node) return { ...actor, children: node.children.map((child) => moved(child, actor.path)) };
  return { ...actor, children: actor.children.map((child) => graft(child, nodeTree)) };
}

function moved(actor: ActorSnapshot, below: string): ActorSnapshot {
  return { ...actor, path: `${below}/${actor.path}`, children: actor.children.map((child) => moved(child, below)) };
}

function actorsOf(actor: ActorSnapshot): ActorSnapshot[] {
  return [actor, ...actor.children.flatMap(actorsOf)];
}
