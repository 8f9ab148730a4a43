/**
 * The hosts of this process's database, which may become known only later (an embedded server), with what people hear of
 * them: a move is logged and an open alert until every host is in its place again, an old primary that takes writes and a
 * host of another cluster are alerts of their own. Nothing here shows more of an address than host and port.
 */
import { join } from 'node:path';
import type { Alerts } from '../alerts/alerts.ts';
import type { Config } from '../config/schema.ts';
import { hostsOf } from '../database/hosts/host-list.ts';
import { type Hosts, type HostsView, type HostView, type Move, openHosts } from '../database/hosts/hosts.ts';
import { fileMemory, noMemory } from '../database/hosts/memory.ts';
import type { Place } from '../database/place.ts';
import { askServer } from '../database/server-facts.ts';
import { DatabaseDownError } from '../database/session.ts';
import type { Log } from '../log/log.ts';

export interface DatabaseHosts extends Pick<Hosts, 'probe' | 'url' | 'onMoved' | 'place' | 'termPlace'> {
  /** Tells where the database is. True when that was not known already. */
  use(url: string): boolean;
  /** Null while that is not known. */
  view(): HostsView | null;
}

export interface DatabaseHostsOptions {
  readonly config: Pick<Config, 'database' | 'stateDirectory'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly alerts: () => Pick<Alerts, 'raise' | 'resolve'>;
}

const movedRule = 'database.moved';
const movedSubject = 'database';
const shortestAlertMs = 60_000;
const rules = { old: 'database.old-primary', foreign: 'database.foreign-host' } as const;

export function databaseHosts({ config, log, alerts }: DatabaseHostsOptions): DatabaseHosts {
  const listeners = new Set<(move: Move) => void>();
  let url: string | null = null;
  let hosts: Hosts | null = null;
  let before: HostsView | null = null;
  let movedMs = Number.NEGATIVE_INFINITY;
  const known = (): Hosts => {
    if (hosts === null) throw new DatabaseDownError('the database has not been started yet');
    return hosts;
  };

  function open(found: string): Hosts {
    const list = hostsOf(found, config.database.hosts);
    const memory = list.length > 1 ? fileMemory(join(config.stateDirectory, 'database.json'), log) : noMemory;
    const opened = openHosts({ hosts: list, ask: askServer, memory, after, onView, onMovedBefore: raiseMoved });
    opened.onMoved((move) => {
      for (const listener of [...listeners]) listener(move);
      raiseMoved(move);
    });
    return opened;
  }

  function raiseMoved(move: Move): void {
    const { from, to } = move;
    movedMs = performance.now();
    before = null;
    log.warn({ ...move }, 'the database moved; what was in flight is dropped and done again');
    const message =
      from.name === to.name
        ? `the database at ${to.name} went on from timeline ${from.timeline} to ${to.timeline}; work goes on there by itself`
        : `the database moved from ${from.name} (timeline ${from.timeline}) to ${to.name} (timeline ${to.timeline}); work goes on there by itself. Make ${from.name} a standby of ${to.name}`;
    alerts().raise({ rule: movedRule, subject: movedSubject, level: 'warning', message, detail: { ...move } });
  }

  function onView(view: HostsView): void {
    const { current } = view;
    if (current && before?.current?.name !== current.name) log.info({ ...current }, `the database is ${current.name}`);
    if (view.hosts.length > 1 || before)
      for (const [at, host] of view.hosts.entries()) judge(host, before?.hosts[at] ?? null, current?.name ?? 'none');
    if (isWhole(view) && !(before && isWhole(before))) endMoved(view);
    before = view;
  }

  /** Also when it was whole at once, the alert stays for long enough to be told. */
  function endMoved(view: HostsView): void {
    const untilMs = movedMs + shortestAlertMs - performance.now();
    if (untilMs <= 0) alerts().resolve(movedRule, movedSubject);
    else setTimeout(() => before === view && endMoved(view), untilMs).unref();
  }

  function judge(host: HostView, last: HostView | null, current: string): void {
    const { name, verdict, timeline } = host;
    // one that does not answer may still take the writes of others: nothing is over then
    if (verdict === last?.verdict) return;
    if (verdict === 'old') {
      const message = `${name} takes writes on timeline ${timeline}, which the database has left; it is not used (${current} is). Whatever writes there is lost: stop it, then make it a standby`;
      alerts().raise({ rule: rules.old, subject: name, level: 'critical', message });
    } else if (verdict === 'foreign') {
      const message = `${name} belongs to another database cluster than this installation; it is not used (${current} is): correct database.hosts`;
      alerts().raise({ rule: rules.foreign, subject: name, level: 'critical', message });
    } else if (verdict === 'primary' || verdict === 'standby') {
      for (const rule of Object.values(rules)) alerts().resolve(rule, name);
    }
  }

  return {
    use(found) {
      if (url === found) return false;
      url = found;
      hosts = open(found);
      return true;
    },
    probe: async (signal) => known().probe(signal),
    url: () => known().url(),
    view: () => hosts?.view() ?? null,
    place: { url: () => known().url(), admit: (opened, query) => known().place.admit(opened, query) },
    termPlace: (): Place => known().termPlace(),
    onMoved(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Every host is what it should be: one is the database, the others are its standbys. */
function isWhole({ current, hosts }: HostsView): boolean {
  return hosts.every(({ name, verdict }) => verdict === 'standby' || (verdict === 'primary' && name === current?.name));
}

function after(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
