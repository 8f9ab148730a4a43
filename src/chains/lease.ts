/**
 * The node's lease: its row, its beat, and what the beat finds out.
 *
 * One statement renews the lease and reads what the rows say this node runs. A row that two successive renewals saw under
 * the same token, while memory held no run of it and no claim from before the first look was still in flight, is released:
 * the claim's reply was lost, or nobody holds its promise. A run that memory holds and the rows do not is lost: cancelled
 * or recovered; its handler is aborted. A renewal that finds the node declared dead answers 'declared-dead'.
 *
 * While somebody's forgotten transaction holds vacuum back, reading what this node runs means reading all that it has run:
 * then not every renewal looks, but every third does, before the audit would miss anything.
 */

import { releaseHeld } from './completion-sql.ts';
import type { NodeInfo } from './environment.ts';
import { keyOf, type Run, RunAborted } from './run.ts';
import type { Sessions } from './sessions.ts';

export interface LeaseContext {
  readonly bootId: string;
  readonly sessions: Sessions;
  readonly nodeInfo: NodeInfo;
  /** It runs suspects only. */
  readonly suspects: boolean;
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly nowMs: () => number;
  readonly held: ReadonlyMap<string, Run>;
  readonly claims: ClaimsInFlight;
  /** Whether a lane was free at every moment since the last call. */
  readonly alwaysFree: () => boolean;
  readonly onReleased: (chainIds: readonly string[]) => void;
}

/** Numbers the claims, so that a renewal can tell whether a row may belong to one whose answer is still on its way. */
export interface ClaimsInFlight {
  begin(): number;
  end(claim: number): void;
  /** The number that the next claim will get. */
  next(): number;
  /** The oldest claim in flight, Infinity when there is none. */
  oldest(): number;
}

export function trackClaims(): ClaimsInFlight {
  let counter = 0;
  const inFlight = new Set<number>();
  return {
    begin() {
      counter += 1;
      inFlight.add(counter);
      return counter;
    },
    end: (claim) => void inFlight.delete(claim),
    next: () => counter + 1,
    oldest: () => Math.min(Number.POSITIVE_INFINITY, ...inFlight),
  };
}

export interface Lease {
  register(): Promise<void>;
  renew(): Promise<'renewed' | 'declared-dead'>;
  setState(state: 'draining' | 'ended'): Promise<void>;
}

/** A look may take this share of the time, but comes after so many beats at the latest. */
const shareOfTime = 20;
const mostBeats = 3;

export function createLease(context: LeaseContext): Lease {
  const { bootId, sessions, nodeInfo, nowMs } = context;
  let lookDueMs = Number.NEGATIVE_INFINITY;
  /** Rows seen without a run in memory, by key, with the claim number of that moment. */
  let unheld = new Map<string, number>();

  async function renew(): Promise<'renewed' | 'declared-dead'> {
    const heldBefore = new Map([...context.held].filter(([, run]) => run.phase === 'handling'));
    const nextClaim = context.claims.next();
    const beganMs = nowMs();
    const looks = beganMs >= lookDueMs;
    const [row] = await sessions.lease.query(renewLease, [bootId, heldJson(context), context.alwaysFree(), looks]);
    if (!row!.renewed) return 'declared-dead';
    if (!looks) return 'renewed';
    // half a beat less: a beat that comes a moment early must not wait for the one after it
    lookDueMs = nowMs() + Math.min((nowMs() - beganMs) * shareOfTime, (mostBeats - 0.5) * context.beatMs);
    const owned = new Map<string, { id: string; token: bigint }>();
    for (const [id, token] of (row!.owned ?? []) as [string, string][]) {
      owned.set(keyOf(id, BigInt(token)), { id, token: BigInt(token) });
    }
    abortLost(heldBefore, owned);
    // a completion in flight has already moved the row on while memory still has the tokens before
    const forerunners = new Set<string>();
    for (const { phase, chain } of context.held.values()) if (phase === 'completing') forerunners.add(chain.chainId);
    const orphans: { id: string; token: bigint }[] = [];
    const seen = new Map<string, number>();
    for (const [key, one] of owned) {
      if (context.held.has(key) || forerunners.has(one.id)) continue;
      const firstSeenAt = unheld.get(key);
      if (firstSeenAt !== undefined && context.claims.oldest() >= firstSeenAt) orphans.push(one);
      else seen.set(key, firstSeenAt ?? nextClaim);
    }
    unheld = seen;
    if (orphans.length > 0) await releaseOrphans(orphans);
    return 'renewed';
  }

  function abortLost(heldBefore: Map<string, Run>, owned: ReadonlyMap<string, unknown>): void {
    for (const [key, run] of heldBefore) {
      if (owned.has(key) || run.phase !== 'handling' || context.held.get(key) !== run) continue;
      run.abort.abort(
        new RunAborted('lost', `chain ${run.chain.chainId} was cancelled or taken away while its step ran`),
      );
    }
  }

  async function releaseOrphans(orphans: readonly { id: string; token: bigint }[]): Promise<void> {
    const reason = 'its node held the row but no run of it: a claim whose answer was lost, or a run that nobody held';
    const ids = orphans.map(({ id }) => id);
    const released = await sessions.lease.query(releaseHeld, [bootId, ids, orphans.map(({ token }) => token), reason]);
    if (released.length > 0) context.onReleased(released.map(({ id }) => id as string));
  }

  return {
    async register() {
      const { host, pid, release, schema } = nodeInfo;
      await sessions.lease.query(registerNode, [
        bootId,
        host,
        pid,
        release,
        schema,
        context.leaseMs,
        context.beatMs,
        context.suspects,
      ]);
    },
    renew,
    async setState(state) {
      await sessions.lease.query(setNodeState, [bootId, state]);
    },
  };
}

/** `{"<id>:<token>": past its deadline}` for the audit. */
function heldJson({ held, nowMs }: LeaseContext): string {
  const now = nowMs();
  return JSON.stringify(Object.fromEntries([...held].map(([key, run]) => [key, now > run.deadlineAtMs])));
}

const registerNode = `
  insert into node (id, host, pid, release, schema, lease_ms, beat_ms, suspects) values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict (id) do nothing`;

const renewLease = `
  with renewed as (
    update node
    set beat = beat + 1, beat_at = now(), held = $2::jsonb,
        free_since = case when $3::boolean then coalesce(free_since, now()) end
    where id = $1 and state in ('live', 'draining')
    returning id
  )
  select exists (select from renewed) as renewed,
         case when $4::boolean then (
           select json_agg(json_build_array(id::text, token::text)) from chain
           where owner = $1 and state = 'running') end as owned`;

const setNodeState = `update node set state = $2 where id = $1 and state in ('live', 'draining')`;
