/**
 * What stands behind the admin socket. The process implements these with its engine, database and tree; the socket only
 * validates, records who did it, calls, and puts the answer into JSON.
 *
 * Errors: `ServiceError` and the input errors of the documents are shown as they are; a connection error of the database
 * becomes 503; anything else is a 500 whose details are only in the log.
 */
import type { ActorSnapshot, SendResult } from '../../supervisors/types.ts';
import type { InventoryQuery } from '../customers/inventory.ts';
import type { PreviewQuery } from '../preview/views.ts';
import type { FindingState } from '../reconciliation/finding.ts';
import type { LoadInvoice } from '../reconciliation/load-invoice.ts';
import type { WhichCycles } from '../reconciliation/run.ts';
import type { WhichReconciliations } from '../reconciliation/show.ts';
import type { ReportStream } from '../reports/stream-report.ts';
import type { UsageReportQuery } from '../reports/usage-report.ts';
import type {
  AlertRuleView,
  AlertView,
  ChainDetailView,
  ChainView,
  ChainWhyView,
  ChannelTestView,
  CycleChangedView,
  CycleReopenedView,
  CycleView,
  DeadRetriedView,
  DisputeView,
  ErasedView,
  ExplanationView,
  FindingDecidedView,
  HealthView,
  ImportStartedView,
  InvoiceDetailView,
  InvoiceView,
  LoadedInvoice,
  PauseView,
  PurgedView,
  RecalculationView,
  ReconciliationView,
  ScheduleDetailView,
  ScheduleRunView,
  ScheduleView,
  SubscriptionExportView,
  SubscriptionView,
  SuspenseView,
  SyncResumedView,
  SyncStartedView,
  SyncTaskView,
  TotalsChangedView,
  TotalsDecidedView,
  TotalsView,
  WaitingTotalsView,
} from './views.ts';

/** Who asks: the name that the caller gives, such as `anna@cli`. */
export interface By {
  readonly by: string;
}

/** One cycle of one contract, and why it is changed. `account` is needed when the customer has several. */
export interface CycleDecision extends By {
  readonly customer: string;
  readonly cycle: string;
  readonly account?: string;
  readonly reason: string;
}

export interface AuditEntry {
  readonly actor: string;
  /** Such as `sync.run`. */
  readonly action: string;
  readonly subject: string;
  /** Nothing personal; documents are named, not copied. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AdminServices {
  /** Answers within a second, also while the database is away. */
  health(): Promise<HealthView>;
  tree(): Promise<ActorSnapshot>;

  /** The latest first. */
  chains(filter: { state?: string; name?: string; limit: number }): Promise<readonly ChainView[]>;
  chain(id: string): Promise<ChainDetailView | null>;
  chainWhy(id: string): Promise<ChainWhyView | null>;
  /** Throws `ServiceError` conflict when the chain has ended. */
  cancelChain(request: By & { id: string }): Promise<ChainView>;
  /** Throws `ServiceError` conflict when there is nothing to retry. */
  retryChain(request: By & { id: string }): Promise<ChainView>;

  /** Throws `ServiceError` conflict when it runs, has no such step, or the step before has not succeeded. */
  replayChain(request: By & { id: string; from: string }): Promise<ChainView>;

  /** At most 1,000 at a call, oldest first. */
  retryDead(request: By & { name?: string; step?: string }): Promise<DeadRetriedView>;
  /** Throws `ServiceError` conflict when it is not a dead letter. */
  removeDead(request: By & { id: string; why: string }): Promise<ChainView>;

  pauses(): Promise<readonly PauseView[]>;
  /** Throws `ServiceError` refused for an unknown scope or a time that is over. */
  setPause(request: By & { scope: string; why: string; until: Date | null }): Promise<PauseView>;
  /** Throws `ServiceError` not-found when nothing is paused so. */
  endPause(request: By & { scope: string }): Promise<void>;

  schedules(): Promise<readonly ScheduleView[]>;
  /** This one and the next two throw `ServiceError` not-found for an unknown name. */
  schedule(name: string): Promise<ScheduleDetailView>;
  enableSchedule(request: By & { name: string; enabled: boolean }): Promise<ScheduleDetailView>;
  /** A slot now, beside the plan. Throws `ServiceError` conflict when its overlap does not let it start or wait. */
  runSchedule(request: By & { name: string }): Promise<ScheduleRunView>;

  /** `force`: also a profile that is suspended or switched off. Throws `ServiceError` not-found for an unknown name. */
  runSync(request: By & { customer: string; profile?: string; force: boolean }): Promise<SyncStartedView>;
  /** `from`: an absolute path, or the sha256 of archived bytes. */
  importFile(
    request: By & { customer: string; profile?: string; from: string; again: boolean },
  ): Promise<ImportStartedView>;
  /** Suspended profiles of the customer, or the one named, are due at once. Throws `ServiceError` not-found. */
  resumeSync(request: By & { customer: string; profile?: string }): Promise<SyncResumedView>;
  syncTask(id: string): Promise<SyncTaskView | null>;

  /** Without `account` all of the customer's. Throws `ServiceError` not-found, and conflict when a cycle is closed. */
  recalculateTotals(request: By & { customer: string; cycle: string; account?: string }): Promise<RecalculationView>;
  totals(query: { customer: string; cycle?: string }): Promise<readonly TotalsView[]>;
  explainTotals(query: {
    customer: string;
    cycle: string;
    msisdn?: string;
    category?: string;
    limit: number;
  }): Promise<readonly ExplanationView[]>;

  /** Throws `InvalidDocumentError`, or `InputError` when it does not fit what is stored; then nothing of it is. */
  loadInvoice(request: LoadInvoice): Promise<LoadedInvoice>;
  /** The latest first. This one and the next three throw `ServiceError` not-found for an unknown customer. */
  invoices(query: { customer: string; account?: string; limit: number }): Promise<readonly InvoiceView[]>;
  invoice(query: { customer: string; account?: string; number: string }): Promise<readonly InvoiceDetailView[]>;
  /** Throws `InputError` when there is no such invoice, or nothing to compare it with. */
  runReconciliation(request: By & WhichCycles): Promise<readonly ReconciliationView[]>;
  reconciliations(which: WhichReconciliations): Promise<readonly ReconciliationView[]>;
  /** Throws `InputError` for a finding that is not there any more. */
  decideFinding(request: By & { id: string; state: FindingState; why: string }): Promise<FindingDecidedView>;
  /** Disputes what is open, and gives all that is disputed. */
  dispute(request: By & { customer: string; account?: string; cycle: string; why: string }): Promise<DisputeView>;
  cycles(query: { customer: string }): Promise<readonly CycleView[]>;
  /** This one and the next throw `InputError` with what stands against it. */
  closeCycle(request: CycleDecision): Promise<CycleChangedView>;
  reopenCycle(request: CycleDecision): Promise<CycleReopenedView>;
  /** Throws `InputError` when it is no backup, `ClosedCycleError` when the cycle is closed. */
  restoreTotals(request: CycleDecision & { generation: number }): Promise<TotalsChangedView>;
  waitingTotals(query: { customer?: string }): Promise<readonly WaitingTotalsView[]>;
  /** Throws `InputError` when nothing waits. */
  reviewTotals(request: CycleDecision & { verdict: 'accept' | 'discard' }): Promise<TotalsDecidedView>;

  /** What is past its retention goes, or with `dryRun` is only counted. */
  purge(request: By & { dryRun: boolean }): Promise<PurgedView>;
  /** This one and the next throw `InputError` when the customer has nothing of that number. */
  eraseSubscription(request: By & { customer: string; msisdn: string; reason: string }): Promise<ErasedView>;
  exportSubscription(request: { customer: string; msisdn: string }): Promise<SubscriptionExportView>;

  alerts(filter: { state?: 'open' | 'resolved'; limit: number }): Promise<readonly AlertView[]>;
  testAlert(request: By): Promise<readonly ChannelTestView[]>;
  resolveAlert(request: By & { rule: string; subject: string }): Promise<void>;

  /** Throws `InvalidDocumentError` or `InputError`, nothing half-loaded. Resolves to what was stored. */
  loadTariff(request: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>>;
  loadZones(request: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>>;
  applyCustomers(request: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>>;

  /** Throws `ServiceError` not-found for an unknown customer. */
  subscriptions(query: InventoryQuery): Promise<readonly SubscriptionView[]>;
  suspense(query: { limit: number }): Promise<readonly SuspenseView[]>;
  alertRules(): Promise<readonly AlertRuleView[]>;
  /** Throws `InvalidDocumentError` or `InputError`, nothing half-stored. */
  applyAlertRules(request: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>>;

  /** Throws `ServiceError` not-found or `InputError` before the stream begins; what fails later breaks it. */
  usageReport(query: UsageReportQuery & { format: 'csv' | 'json' }): Promise<ReportStream>;

  /** Lines of JSON. Throws `ServiceError`, `InputError` or `InvalidDocumentError` before the stream begins; then its last line is an error. */
  preview(query: PreviewQuery): Promise<ReportStream>;

  /** Sends a control message through the actor's own `parse`. Throws `ServiceError` for an unknown path or a bad message. */
  control(request: By & { path: string; message: unknown }): Promise<SendResult>;

  /** Writes the `audit` row. It is called first: what cannot be recorded is not done. */
  record(entry: AuditEntry): Promise<void>;
}
