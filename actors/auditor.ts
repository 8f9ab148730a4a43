/**
 * `guardians/auditor`: counts, again and again, what must not exist: open chains without a live reason, completed sync
 * tasks that no totals consumed, due profiles without a task, schedules that did not fire. Each is an alert as long as it
 * lasts, and part of health.
 */
import type { Alerts } from '../src/alerts/alerts.ts';
import { PoolBusyError } from '../src/database/session.ts';
import type { WorkingDatabase } from '../src/node/resources.ts';
import type { Finding } from '../src/services/findings.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type AuditorMessage = { readonly type: 'look' };

export interface AuditorState {
  readonly looks: number;
  readonly lastLookMs: number | null;
  readonly findings: readonly Finding[];
}

export interface AuditorServices {
  /** Everything that is wrong now; empty in a healthy system. */
  readonly find: () => Promise<readonly Finding[]>;
  /** What an auditor before this one raised and nobody resolved: it may be over by now. */
  readonly openFindings: () => Promise<readonly Pick<Finding, 'rule' | 'subject'>[]>;
  readonly report: (state: AuditorState) => void;
  readonly alerts: Alerts;
  readonly availability: WorkingDatabase;
  readonly intervalMs: number;
  readonly nowMs: () => number;
}

export function auditor(services: AuditorServices): ActorSpec<AuditorMessage, AuditorState> {
  return actor<AuditorMessage, AuditorState>({
    id: 'auditor',
    init(context) {
      context.self.send({ type: 'look' });
      return { looks: 0, lastLookMs: null, findings: [] };
    },
    async receive(state, _message, context) {
      context.after(services.intervalMs, { type: 'look' });
      if (!services.availability.isUp()) return state;
      try {
        const findings = await services.find();
        const before = state.looks === 0 ? await services.openFindings() : state.findings;
        tell(services.alerts, before, findings);
        const next = { looks: state.looks + 1, lastLookMs: services.nowMs(), findings };
        services.report(next);
        return next;
      } catch (error) {
        // a busy pool is neither the database's trouble nor this actor's: health shows how old the last look is
        if (!(error instanceof PoolBusyError) && !services.availability.report(error)) throw error;
        return state;
      }
    },
    parse(control) {
      if (control === 'look') return { type: 'look' };
      throw new Error(`the auditor knows the control message "look", not ${JSON.stringify(control)}`);
    },
    describe: (state) => ({ looks: state.looks, findings: state.findings.length }),
    // what it looks at may be broken for a while; the work goes on without it meanwhile
    options: { backoff: { baseMs: 2_000, capMs: 30_000 } },
  });
}

function tell(alerts: Alerts, before: readonly Pick<Finding, 'rule' | 'subject'>[], now: readonly Finding[]): void {
  for (const { rule, subject, message, detail, level = 'critical' } of now) {
    alerts.raise({ rule, subject, message, level, detail });
  }
  for (const gone of before) {
    if (!now.some((one) => one.rule === gone.rule && one.subject === gone.subject))
      alerts.resolve(gone.rule, gone.subject);
  }
}
