/**
 * `sync-manager`: the chain that the schedule `sync:manager` fires every five minutes. It opens a sync task for every due
 * profile, through the router. One profile's trouble (an unknown type, an open task) never keeps another from its turn.
 */
import { z } from 'zod';
import type { Alerts } from '../alerts/alerts.ts';
import { type ChainDefinition, chain, succeeded } from '../chains/define.ts';
import type { RoutingDecision } from './registry.ts';
import { closeBrokenTasks, type DueProfile, type EnqueueChain, openSyncTask, profileColumns } from './sync-task.ts';

export interface SyncManagerServices {
  /** Asks the router; rejects when the router does not answer in time, which is this step's crash and is retried. */
  readonly route: (syncType: string) => Promise<RoutingDecision>;
  readonly enqueue: EnqueueChain;
  readonly alerts: Alerts;
}

/** Three of its schedule's periods: the profiles' own lateness is noticed after as long. */
const expectedEveryMs = 900_000;

const dueProfiles = `
  select ${profileColumns} from sync_profile p
  join contract k on k.id = p.contract_id
  join customer c on c.id = k.customer_id
  where p.enabled and p.suspended_reason is null and c.active and p.next_due <= now()
  order by p.next_due, p.id`;

/** Due again `every_minutes` after the present due time, or after now when that is already past. */
const setNextDue = `
  update sync_profile set next_due = greatest(next_due + make_interval(mins => every_minutes), now() + interval '1 second')
  where id = $1 and enabled and suspended_reason is null and next_due <= now() returning id`;

export function syncManager(services: SyncManagerServices): ChainDefinition<Record<string, unknown>> {
  const expect = { successEveryMs: expectedEveryMs };
  return chain('sync-manager', z.record(z.string(), z.unknown()), 1, { expect }).step('open', async (context) => {
    const due = await context.read.query<DueProfile & { id: string }>(dueProfiles);
    const decisions = new Map<string, RoutingDecision>();
    for (const { sync_type } of due) {
      if (!decisions.has(sync_type)) decisions.set(sync_type, await services.route(sync_type));
    }
    for (const profile of due) {
      const decision = decisions.get(profile.sync_type)!;
      if (decision.result === 'failed') raiseUnroutable(services.alerts, profile, decision.reason);
      else services.alerts.resolve('routing.unknown-type', `profile ${profile.id}`);
    }
    return succeeded({
      commit: async (tx) => {
        const broken = await closeBrokenTasks(tx);
        let opened = 0;
        for (const profile of due) {
          // the due time is the lock: of several nodes, one moves it on
          const [mine] = await tx.query(setNextDue, [profile.id]);
          if (!mine) continue;
          const task = await openSyncTask(tx, profile, decisions.get(profile.sync_type)!, services.enqueue, {
            requestedBy: 'sync:manager',
            force: false,
            traceparent: context.traceparent,
          });
          if (task) opened += 1;
        }
        return { due: due.length, opened, closedBroken: broken.length };
      },
    });
  });
}

function raiseUnroutable(alerts: Alerts, profile: DueProfile, reason: string): void {
  alerts.raise({
    rule: 'routing.unknown-type',
    subject: `profile ${profile.id}`,
    level: 'critical',
    message: `profile ${profile.customer}/${profile.name} cannot be routed: ${reason}`,
    detail: { syncType: profile.sync_type },
  });
}
