/** Services with a small fixed world behind them, for tests of the doors. Every call that changes something is kept. */
import { Readable } from 'node:stream';
import { ServiceError } from '../../src/admin/service-error.ts';
import type { AdminServices, AuditEntry } from '../../src/admin/services.ts';
import type {
  ChainDetailView,
  ChainView,
  CycleView,
  PauseView,
  ScheduleDetailView,
  SyncTaskView,
  WaitingTotalsView,
} from '../../src/admin/views.ts';
import type { ActorSnapshot } from '../../supervisors/types.ts';
import { previewLines } from './example-preview.ts';
import { exampleReconciliation } from './example-reconciliation.ts';

export interface ExampleServices extends AdminServices {
  readonly audit: AuditEntry[];
  readonly calls: { name: string; input: unknown }[];
  /** Answers of `syncTask`, one per call; the last one stays. */
  readonly taskViews: SyncTaskView[];
  readonly chainViews: ChainDetailView[];
  fail: Error | null;
  status: 'ok' | 'degraded' | 'failing';
}

const at = '2026-04-01T10:00:00.000Z';

export function chainView(over: Partial<ChainView> = {}): ChainView {
  return {
    id: '42',
    name: 'kpn-sp16',
    subject: 'C001/KPN_SP16',
    step: 'rate',
    state: 'running',
    reason: null,
    attempt: 1,
    rejections: 0,
    since: at,
    createdAt: at,
    finishedAt: null,
    progress: { done: 1_200, total: 4_800, unit: 'records' },
    ...over,
  };
}

export function chainDetail(over: Partial<ChainView> = {}): ChainDetailView {
  return {
    ...chainView(over),
    steps: ['fetch', 'import', 'rate', 'totals'],
    input: { profile: '1' },
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    log: [{ token: '1', at, step: 'fetch', attempt: 1, outcome: 'succeeded', reason: null, durationMs: 1_234 }],
  };
}

export function taskView(over: Partial<SyncTaskView> = {}): SyncTaskView {
  return {
    id: '7',
    customer: 'C001',
    account: '0000000101',
    profile: 'sp16',
    cycleStart: '2026-03-01',
    status: 'open',
    counts: {},
    startedAt: at,
    finishedAt: null,
    chain: chainView(),
    steps: [
      { name: 'fetch', state: 'done', progress: null },
      { name: 'import', state: 'done', progress: null },
      { name: 'rate', state: 'running', progress: { done: 1_200, total: 4_800, unit: 'records' } },
      { name: 'totals', state: 'waiting', progress: null },
    ],
    ...over,
  };
}

function actor(path: string, children: readonly ActorSnapshot[] = []): ActorSnapshot {
  return {
    path,
    kind: children.length > 0 ? 'supervisor' : 'actor',
    state: 'running',
    generation: 1,
    restarts: path === 'root/work/router' ? 2 : 0,
    restartsInWindow: 0,
    consecutive: 0,
    queued: 0,
    dropped: 0,
    oldestMessageAgeMs: null,
    runningForMs: 65_000,
    lastError: path === 'root/work/router' ? 'boom' : null,
    about: null,
    children,
  };
}

const pauseView: PauseView = {
  scope: 'provider:KPN_SP16',
  by: 'anna@cli',
  why: 'KPN works on it',
  since: '2026-04-02T10:00:00.000Z',
  until: null,
};

const scheduleView: ScheduleDetailView = {
  name: 'sync:manager',
  cron: '*/5 * * * *',
  timeZone: 'Europe/Amsterdam',
  everyMs: null,
  chain: 'sync-manager',
  catchUp: 'last',
  catchUpMax: 12,
  overlap: 'skip',
  enabled: true,
  nextDueAt: '2026-04-01T10:05:00.000Z',
  lastFiredAt: at,
  error: null,
  failingSince: null,
  input: {},
  upcoming: ['2026-04-01T10:05:00.000Z', '2026-04-01T10:10:00.000Z'],
  slots: [{ dueAt: at, at, result: 'fired', reason: null, chainId: '42', requestedBy: null }],
};

const cycleOf = ({ customer, cycle }: { customer: string; cycle: string }) => ({
  ...{ customer, account: '0000000101', cycleStart: cycle },
});

const waitingView: WaitingTotalsView = {
  ...cycleOf({ customer: 'C001', cycle: '2026-03-01' }),
  ...{ generation: 3, current: 2, records: '90', amountE8: '100000000', currentRecords: '120' },
  ...{ currentAmountE8: '1234567800', why: 'the amount falls', since: at },
};

const cycleView: CycleView = {
  ...cycleOf({ customer: 'C001', cycle: '2026-03-01' }),
  ...{ cycleEnd: '2026-04-01', state: 'adjusted', closesAt: at, due: false, blocker: null, waits: null },
  ...{ generation: 2, review: null, records: '120', unrated: '0', amountE8: '1234567800' },
  ...{ adjustments: '2', adjustmentsE8: '-5000000' },
};

export function exampleServices(): ExampleServices {
  const audit: AuditEntry[] = [];
  const calls: ExampleServices['calls'] = [];
  const world: ExampleServices = {
    audit,
    calls,
    taskViews: [taskView()],
    chainViews: [chainDetail()],
    fail: null,
    status: 'ok',
    async health() {
      return {
        status: world.status,
        pid: process.pid,
        node: 'n1',
        release: '0.1.0',
        startedAt: at,
        checks: [{ name: 'database', status: world.status, message: 'up since 10:00' }],
        warnings: ['no alert channel is configured: nobody would be told'],
      };
    },
    tree: async () => actor('root', [actor('root/work', [actor('root/work/router')])]),
    chains: async (filter) => called('chains', filter, [chainView(), chainView({ id: '41', state: 'succeeded' })]),
    chain: async (id) =>
      id === '42' ? (world.chainViews.length > 1 ? world.chainViews.shift()! : world.chainViews[0]!) : null,
    chainWhy: async (id) =>
      id === '42'
        ? {
            id,
            state: 'timer',
            because: 'Chain 42 waits to try again.',
            until: at,
            next: ['linekeeper chain cancel 42'],
          }
        : null,
    cancelChain: async (request) => called('cancelChain', request, chainView({ state: 'cancelled' })),
    retryChain: async (request) => called('retryChain', request, chainView({ state: 'ready' })),
    replayChain: async (request) => called('replayChain', request, chainView({ state: 'ready' })),
    retryDead: async (request) => called('retryDead', request, { retried: ['42'], refused: [] }),
    removeDead: async (request) => called('removeDead', request, chainView({ state: 'cancelled' })),
    pauses: async () => [pauseView],
    setPause: async (request) => called('setPause', request, pauseView),
    endPause: async (request) => called('endPause', request, undefined),
    schedules: async () => [scheduleView],
    schedule: async (name) => scheduleOf(name),
    enableSchedule: async (request) =>
      called('enableSchedule', request, { ...scheduleOf(request.name), enabled: request.enabled }),
    runSchedule: async (request) =>
      called('runSchedule', request, {
        ...{ schedule: scheduleOf(request.name).name, dueAt: at },
        ...{ result: 'fired', reason: null, chainId: '43' },
      }),
    async runSync(request) {
      const started = { id: '7', profile: 'sp16', account: '0000000101', chainId: '42', started: true };
      return called('runSync', known(request), { tasks: [started], skipped: [] });
    },
    importFile: async (request) =>
      called('importFile', known(request), {
        file: 'SP16X_0000000101_202603_000001.dat.gz',
        sha256: 'ab'.repeat(32),
        profile: 'sp16',
        state: 'started',
        task: { id: '7', chainId: '42' },
      }),
    async resumeSync(request) {
      const one = { profile: 'sp16', account: '0000000101', reason: 'the login was refused' };
      return called('resumeSync', known(request), { resumed: request.profile === 'other' ? [] : [one] });
    },
    syncTask: async (id) =>
      id === '7' ? (world.taskViews.length > 1 ? world.taskViews.shift()! : world.taskViews[0]!) : null,
    async recalculateTotals(request) {
      const chain = { chainId: '42', account: '0000000101', cycleStart: request.cycle };
      return called('recalculateTotals', known(request), { chains: [chain] });
    },
    async totals(query) {
      known(query);
      const row = {
        msisdn: '31612345678',
        category: 'national-mobile',
        records: '120',
        unrated: '1',
        usageS: '3600',
        usageOctets: '0',
        usageCount: '0',
        amountE8: '1234567800',
        providerAmountE8: '1234567800',
      };
      const total = { customer: query.customer, account: '0000000101', cycleStart: '2026-03-01', generation: 2 };
      const sums = { digest: 'ab'.repeat(32), records: '120', unrated: '1', amountE8: '1234567800', createdAt: at };
      return called('totals', query, [{ ...total, ...sums, rows: query.cycle ? [row] : [] }]);
    },
    async cycles(query) {
      known(query);
      return called('cycles', query, [cycleView]);
    },
    closeCycle: async (request) => called('closeCycle', known(request), cycleOf(request)),
    reopenCycle: async (request) =>
      called('reopenCycle', known(request), { ...cycleOf(request), broughtHome: 3, chains: ['43', '44'] }),
    restoreTotals: async (request) =>
      called('restoreTotals', known(request), {
        ...cycleOf(request),
        ...{ generation: request.generation, replaced: 2, digest: 'ab'.repeat(32) },
      }),
    waitingTotals: async (query) => called('waitingTotals', query, [waitingView]),
    reviewTotals: async (request) => called('reviewTotals', known(request), { ...cycleOf(request), generation: 3 }),
    async explainTotals(query) {
      const record = {
        file: 'SP16X_0000000101_202603_000001.dat.gz',
        line: 17,
        msisdn: '31612345678',
        category: 'national-mobile',
        localStart: '2026-03-02T07:59:00',
        dialled: '+3168765****',
        number: { kind: 'mobile', country: 'NL' },
        usage: '100',
        unit: 's' as const,
        status: 'rated',
        reason: null,
        rule: 'nl-mobile-peak',
        tariff: 'kpn-zakelijk',
        tariffVersion: '2026-01-01T00:00:00',
        connectFeeE8: '5000000',
        amountE8: '24000000',
        limit: null,
        finding: null,
        allowances: [],
        pieces: [{ from: 0, billed: 102, covered: 0, priceE8: 12_000_000, per: 60, rule: 'nl-mobile-peak', step: 0 }],
        reproduced: true,
        adjusts: null,
        takesBack: null,
      };
      const of = { customer: query.customer, account: '0000000101', cycleStart: query.cycle, generation: 2 };
      const sums = {
        digest: 'ab'.repeat(32),
        ratingRun: '9',
        records: 120,
        amountE8: '1234567800',
        pricesKept: true,
        purgedAt: null,
      };
      return called('explainTotals', known(query), [{ ...of, ...sums, shown: [record] }]);
    },
    async alerts(filter) {
      const alert = { id: '1', rule: 'sync.late', subject: 'profile 12', level: 'warning' as const, detail: {} };
      const times = { firstAt: at, lastAt: at, resolvedAt: null, notifiedAt: null };
      const open = { ...alert, ...times, message: 'profile 12 is late', state: 'open' as const, occurrences: 3 };
      return called('alerts', filter, [open]);
    },
    testAlert: async (request) =>
      called('testAlert', request, [{ channel: 'webhook x', ok: false, error: 'no answer' }]),
    resolveAlert: async (request) => called('resolveAlert', request, undefined),
    async loadTariff(request) {
      if (!('versions' in (request.document as object))) throw inputError('versions: is missing');
      return called('loadTariff', request, { tariff: 'kpn-zakelijk', versions: 2 });
    },
    loadZones: async (request) => called('loadZones', request, { provider: 'KPN', sets: 1, added: 1, replaced: 0 }),
    applyCustomers: async (request) => called('applyCustomers', request, { customers: 1, contracts: 1 }),
    async suspense(query) {
      const row = {
        reseller: 'R001',
        endCustomer: '0000005001',
        period: '2026-03',
        records: 3,
        providerAmountE8: '12500000',
      };
      return called('suspense', query, [
        { ...row, customer: 'C001', msisdn: '31612345678' },
        { ...row, endCustomer: '0000005999', customer: null, msisdn: null },
      ]);
    },
    async subscriptions(query) {
      const number = { id: '17', customer: 'C001', provider: 'KPN', account: '0000000101', msisdn: '31612345678' };
      const told = {
        iccMasked: null,
        productCode: null,
        costCentre: 'sales',
        employee: null,
        source: 'manual' as const,
      };
      return called('subscriptions', query, [{ ...number, ...told, validFrom: null, validTo: null, firstSeen: null }]);
    },
    eraseSubscription: async (request) =>
      called('eraseSubscription', known(request), {
        ...{
          pseudonym: 'erased-0123456789ab',
          subscriptions: 1,
          records: 120,
          totals: 3,
          generations: 2,
          invoiceLines: 1,
        },
        ...{ findings: 0, quarantine: 1, alerts: 1, files: 4, chains: ['42'] },
      }),
    exportSubscription: async (request) =>
      called('exportSubscription', known(request), {
        ...{
          ...request,
          subscriptions: [{}],
          records: [{}, {}],
          waiting: [],
          totals: [],
          allowances: [],
          invoiceLines: [],
          findings: [],
        },
        ...{ alerts: [], rawFiles: [] },
      }),
    purge: async (request) =>
      called('purge', request, {
        ...{ files: 2, bytes: 4_096, quarantine: 3, cycles: 1, cdr: 120, rated: 120, partitions: ['cdr_2025_03'] },
        ...{ suspense: 0, suspenseRecords: 0, totals: 0, keptOpen: 1, more: false },
      }),
    async usageReport(query) {
      const body = Readable.from([query.format === 'csv' ? 'row;customer\r\n' : '[\n{"row":"usage"}\n]\n']);
      return called('usageReport', known(query), { contentType: 'text/plain', body });
    },
    async preview(query) {
      called('preview', query, null);
      const body = Readable.from(previewLines.map((line) => `${JSON.stringify(line)}\n`));
      return { contentType: 'application/x-ndjson', body };
    },
    alertRules: async () => [{ scope: 'default', type: 'usage.long-call', params: { hours: 4 }, enabled: true }],
    applyAlertRules: async (request) => called('applyAlertRules', request, { rules: 1, removed: 0, cycles: 2 }),
    async control(request) {
      if (request.path !== 'work/router') throw new ServiceError('not-found', `there is no actor ${request.path}`);
      return called('control', request, 'ok' as const);
    },
    ...exampleReconciliation(called),
    async record(entry) {
      if (world.fail) throw world.fail;
      audit.push(entry);
    },
  };

  function called<T>(name: string, input: unknown, answer: T): T {
    if (world.fail) throw world.fail;
    calls.push({ name, input });
    return answer;
  }
  return world;
}

function known<T extends { customer: string }>(query: T): T {
  if (query.customer === 'C001') return query;
  throw new ServiceError('not-found', `customer ${query.customer} is not known; known: C001`);
}

function scheduleOf(name: string): ScheduleDetailView {
  if (name === scheduleView.name) return scheduleView;
  throw new ServiceError('not-found', `there is no schedule ${name}; schedules are: sync:manager`);
}

function inputError(message: string): Error {
  const error = new Error(message);
  error.name = 'InputError';
  return error;
}
