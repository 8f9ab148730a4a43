/**
 * What the admin socket answers: plain JSON. Times are ISO text in UTC, cycles ISO dates, ids and amounts (`…E8`, 1e-8 EUR)
 * decimal text, because they may pass 2^53.
 */

import type { RuleRow } from '../alert-rules/rule-rows.ts';
import type { InventoryRow } from '../customers/inventory.ts';
import type { Erased } from '../privacy/erase.ts';
import type { SuspenseRow } from '../providers/routit/suspense.ts';
import type { FindingState } from '../reconciliation/finding.ts';
import type { ReconciliationView } from '../reconciliation/show.ts';
import type { ExplainedRecord, Explanation } from '../totals/explain.ts';
import type { GenerationRow } from '../totals/generations.ts';
import type { WaitingGeneration } from '../totals/review.ts';
import type { CycleStanding } from '../totals/standing.ts';

export interface HealthView {
  /** `degraded`: works, and something needs attention; `failing`: does not do its work. */
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly pid: number;
  readonly node: string;
  readonly release: string;
  readonly startedAt: string;
  readonly checks: readonly {
    readonly name: string;
    readonly status: 'ok' | 'degraded' | 'failing';
    readonly message: string;
  }[];
  readonly warnings: readonly string[];
}

/** What may not run now. `scope`: all, chain:<name> or provider:<sync type>. */
export interface PauseView {
  readonly scope: string;
  readonly by: string;
  readonly why: string;
  readonly since: string;
  /** Null: until a person ends it. */
  readonly until: string | null;
}

/** When a chain is run by itself, by a cron line or a period. */
export interface ScheduleView {
  readonly name: string;
  readonly cron: string | null;
  readonly timeZone: string;
  readonly everyMs: number | null;
  readonly chain: string;
  readonly catchUp: 'none' | 'last' | 'all';
  readonly catchUpMax: number;
  readonly overlap: 'skip' | 'queueOne' | 'allow';
  readonly enabled: boolean;
  /** Null while it is switched off. */
  readonly nextDueAt: string | null;
  readonly lastFiredAt: string | null;
  /** Why it cannot fire, and since when. */
  readonly error: string | null;
  readonly failingSince: string | null;
}

export interface ScheduleDetailView extends ScheduleView {
  readonly input: unknown;
  readonly upcoming: readonly string[];
  /** The newest first. */
  readonly slots: readonly (Omit<ScheduleRunView, 'schedule'> & {
    readonly at: string;
    /** Who asked for it beside the plan. */
    readonly requestedBy: string | null;
  })[];
}

export interface ScheduleRunView {
  readonly schedule: string;
  readonly dueAt: string;
  readonly result: 'fired' | 'skipped' | 'queued';
  readonly reason: string | null;
  readonly chainId: string | null;
}

/** One node process of a primary. */
export interface ProcessView {
  readonly index: number;
  readonly pid: number | null;
  readonly state: 'ready' | 'starting' | 'running' | 'backoff' | 'stopping' | 'stopped' | 'gave-up';
  /** What it says of itself. */
  readonly status: string | null;
  readonly restarts: number;
  /** Since it last proved work. */
  readonly provenMsAgo: number | null;
  readonly lastError: string | null;
}

export interface ChainView {
  readonly id: string;
  readonly name: string;
  readonly subject: string | null;
  readonly step: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempt: number;
  readonly rejections: number;
  readonly since: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  /** Of the step that runs now, when this node runs it. */
  readonly progress: ProgressView | null;
}

/** Dead letters that try again, and those that cannot, each with the reason. */
export interface DeadRetriedView {
  readonly retried: readonly string[];
  readonly refused: readonly { readonly chainId: string; readonly why: string }[];
}

export interface ProgressView {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
}

export interface ChainDetailView extends ChainView {
  readonly steps: readonly string[];
  readonly input: unknown;
  readonly traceparent: string;
  readonly log: readonly {
    readonly token: string;
    readonly at: string;
    readonly step: string;
    readonly attempt: number;
    readonly outcome: string;
    readonly reason: string | null;
    readonly durationMs: number | null;
  }[];
}

/** Why a chain moves or does not: its live reason, what bounds it, and what a person can do. */
export interface ChainWhyView {
  readonly id: string;
  readonly state: string;
  readonly because: string;
  readonly until: string | null;
  readonly next: readonly string[];
}

export interface SyncResumedView {
  readonly resumed: readonly { readonly profile: string; readonly account: string; readonly reason: string }[];
}

export interface ImportStartedView {
  readonly file: string;
  readonly sha256: string;
  readonly profile: string;
  /** `duplicate`: these bytes were imported before, and nothing was done. */
  readonly state: 'started' | 'duplicate';
  readonly task: { readonly id: string; readonly chainId: string | null } | null;
}

export interface SyncStartedView {
  readonly tasks: readonly {
    readonly id: string;
    readonly profile: string;
    readonly account: string;
    readonly chainId: string | null;
    /** False: a task of this profile was open already, and this is it. */
    readonly started: boolean;
  }[];
  /** Profiles that are suspended or switched off, when others of the customer run. */
  readonly skipped: readonly { readonly profile: string; readonly suspended: boolean; readonly why: string }[];
}

export interface SyncTaskView {
  readonly id: string;
  readonly customer: string;
  readonly account: string;
  readonly profile: string;
  readonly cycleStart: string;
  readonly status: 'open' | 'unroutable' | 'succeeded' | 'failed';
  readonly counts: Readonly<Record<string, unknown>>;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly chain: ChainView | null;
  /** In the chain's order. */
  readonly steps: readonly {
    readonly name: string;
    readonly state: 'waiting' | 'running' | 'done' | 'failed';
    readonly progress: ProgressView | null;
  }[];
}

export interface RecalculationView {
  readonly chains: readonly { readonly chainId: string; readonly account: string; readonly cycleStart: string }[];
}

export interface TotalsView extends Omit<GenerationRow, 'contractId'> {
  /** Only when one cycle was asked for. */
  readonly rows: readonly TotalRowView[];
}

export interface TotalRowView {
  readonly msisdn: string;
  readonly category: string;
  readonly records: string;
  readonly unrated: string;
  readonly usageS: string;
  readonly usageOctets: string;
  readonly usageCount: string;
  readonly amountE8: string;
  readonly providerAmountE8: string;
}

export type SubscriptionView = InventoryRow;

/** What is in suspense. */
export type SuspenseView = SuspenseRow;
export type AlertRuleView = RuleRow;

export interface CycleView extends Omit<CycleStanding, 'contractId'> {
  /** What keeps a cycle that is due from being closed, and the way out. */
  readonly waits: string | null;
}

export interface CycleChangedView {
  readonly customer: string;
  readonly account: string;
  readonly cycleStart: string;
}

export interface CycleReopenedView extends CycleChangedView {
  readonly broughtHome: number;
  /** They calculate the cycles again whose records changed by that. */
  readonly chains: readonly string[];
}

export interface TotalsDecidedView extends CycleChangedView {
  readonly generation: number;
}

export interface TotalsChangedView extends TotalsDecidedView {
  /** The generation that was current before. */
  readonly replaced: number;
  readonly digest: string;
}

export type WaitingTotalsView = Omit<WaitingGeneration, 'contractId'>;

export interface ErasedView extends Erased {
  /** They calculate the totals of its cycles that are not closed. */
  readonly chains: readonly string[];
}
export type { SubscriptionExport as SubscriptionExportView } from '../privacy/export.ts';
export type { Purged as PurgedView } from '../privacy/purge.ts';
export type ExplanationView = Explanation;
export type ExplainedRecordView = ExplainedRecord;

export interface AlertView {
  readonly id: string;
  readonly rule: string;
  readonly subject: string;
  readonly level: 'info' | 'warning' | 'critical';
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly state: 'open' | 'resolved';
  readonly occurrences: number;
  readonly firstAt: string | Date;
  readonly lastAt: string | Date;
  readonly resolvedAt: string | Date | null;
  readonly notifiedAt: string | Date | null;
}

export interface ChannelTestView {
  readonly channel: string;
  readonly ok: boolean;
  readonly error: string | null;
}

export type {
  InvoiceDetailView,
  InvoiceLineView,
  InvoiceView,
} from '../reconciliation/invoices.ts';
export type { LoadedInvoice } from '../reconciliation/load-invoice.ts';
export type { FindingView, ReconciliationView } from '../reconciliation/show.ts';

export interface FindingDecidedView {
  readonly id: string;
  readonly state: FindingState;
  readonly before: FindingState;
  readonly customer: string;
  readonly cycleStart: string;
}

export interface DisputeView {
  /** Findings that were open until now. */
  readonly newly: number;
  /** With all that is disputed, and numbers in full. */
  readonly reconciliations: readonly ReconciliationView[];
}
