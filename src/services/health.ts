/** `health`: what this node can say about itself within a moment, also while the database is away. */
import type { HealthView } from '../admin/views.ts';
import type { HostsView } from '../database/hosts/hosts.ts';
import type { ServiceContext } from './context.ts';

/** The auditor looks every 10 s; what it said longer ago proves nothing. */
const staleMs = 60_000;

type Check = HealthView['checks'][number];

export function health(context: ServiceContext, pid: number): HealthView {
  const engine = context.engine();
  const checks = [
    databaseCheck(context),
    ...signalsCheck(context),
    engineCheck(context),
    computeCheck(context),
    auditCheck(context),
    ...driftCheck(context),
  ];
  const worst = (status: Check['status']) => checks.some((check) => check.status === status);
  const warnings = context.alerts.warnings();
  const status = worst('failing') ? 'failing' : worst('degraded') || warnings.length > 0 ? 'degraded' : 'ok';
  return {
    status,
    pid,
    node: engine?.status().bootId ?? 'none',
    release: context.release,
    startedAt: context.startedAt.toISOString(),
    checks,
    warnings,
  };
}

function databaseCheck({ availability, hosts, isPrepared }: ServiceContext): Check {
  const state = availability.state();
  if (state.kind !== 'up') {
    const why = state.kind === 'down' ? `away: ${state.error.message}` : 'being probed';
    return { name: 'database', status: 'degraded', message: `${why}; work waits and goes on by itself` };
  }
  const where = place(hosts());
  if (!isPrepared()) {
    return { name: 'database', status: 'degraded', message: `up${where}; its schema is being prepared` };
  }
  return { name: 'database', status: 'ok', message: `up${where}` };
}

/** Said when there is a choice. Another host than the current one that is no standby is for an alert, not for health. */
function place(view: HostsView | null): string {
  if (!view?.current || view.hosts.length < 2) return '';
  const { current, hosts } = view;
  const others = hosts.filter(({ name }) => name !== current.name).map(({ name, verdict }) => `${name} ${verdict}`);
  return ` on ${current.name} (timeline ${current.timeline}); ${others.join(', ')}`;
}

/** Never failing: without hints work is found by the sweep. */
function signalsCheck({ redis }: ServiceContext): Check[] {
  if (!redis) return [];
  const state = redis.state();
  const { dropped } = redis.status();
  const lost = dropped > 0 ? `, ${dropped} hints dropped` : '';
  if (state.kind === 'up') return [{ name: 'signals', status: 'ok', message: `Redis is up${lost}` }];
  const why = state.kind === 'down' ? state.error.message : 'Redis is being probed';
  return [{ name: 'signals', status: 'degraded', message: `${why}; work is found by the sweep${lost}` }];
}

function engineCheck(context: ServiceContext): Check {
  const engine = context.engine();
  if (!engine) return { name: 'engine', status: 'degraded', message: 'being restarted' };
  const { busy, lanes, beatMsAgo, claimedMsAgo, provenMsAgo } = engine.status();
  const message = `${busy} of ${lanes} lanes busy, last beat ${ago(beatMsAgo)}, last look at the rows ${ago(claimedMsAgo)}, work proven ${ago(provenMsAgo)}`;
  const proved = beatMsAgo !== null && beatMsAgo < 30_000;
  return { name: 'engine', status: proved ? 'ok' : 'degraded', message };
}

function computeCheck({ compute }: ServiceContext): Check {
  const { threads, running, queued, died } = compute.status();
  const message = `${threads} threads, ${running} running, ${queued} waiting, ${died} died`;
  return { name: 'compute', status: threads > 0 ? 'ok' : 'degraded', message };
}

/** Law 6: what was proven lately, not what is alive. */
function auditCheck({ findings }: ServiceContext): Check {
  const last = findings();
  if (!last) return { name: 'audit', status: 'ok', message: 'has not looked yet' };
  if (last.lookedMsAgo > staleMs) {
    return { name: 'audit', status: 'degraded', message: `last looked ${ago(last.lookedMsAgo)}; see the log` };
  }
  if (last.list.length > 0) {
    const status = last.list.every(({ level, waitsForPerson }) => level === 'warning' || waitsForPerson)
      ? 'degraded'
      : 'failing';
    return { name: 'audit', status, message: last.list.map((finding) => finding.message).join('; ') };
  }
  return { name: 'audit', status: 'ok', message: `0 chains without a live reason, ${ago(last.lookedMsAgo)}` };
}

/** Said only while the nodes of this database run different releases: during a deployment, and when one was left behind. */
function driftCheck({ nodes }: ServiceContext): Check[] {
  const kinds = Map.groupBy(nodes(), ({ release, schema }) => `${release} (schema ${schema ?? 'not told'})`);
  if (kinds.size < 2) return [];
  const shown = [...kinds].map(
    ([kind, list]) => `${kind} on ${list.map(({ host, pid }) => `${host} ${pid}`).join(', ')}`,
  );
  return [{ name: 'releases', status: 'degraded', message: `the nodes run different releases: ${shown.join('; ')}` }];
}

function ago(ms: number | null): string {
  return ms === null ? 'never yet' : `${(ms / 1000).toFixed(1)} s ago`;
}
