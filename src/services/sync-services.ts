/** Sync tasks as the doors open and show them. */
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { SyncResumedView, SyncStartedView, SyncTaskView } from '../admin/views.ts';
import { showChain } from '../chains/queries.ts';
import type { RoutingDecision } from '../providers/registry.ts';
import { type DueProfile, openSyncTask, profileColumns } from '../providers/sync-task.ts';
import { chainView, progressOf } from './chain-services.ts';
import type { ServiceContext } from './context.ts';

export interface ProfileRow extends DueProfile {
  readonly account: string;
  readonly enabled: boolean;
  readonly suspended: string | null;
}

/** $1 code, $2 name of one profile or null. */
export const profilesOfCustomer = `
  select ${profileColumns}, k.account_no as account, p.enabled, p.suspended_reason as suspended
  from sync_profile p join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id
  where c.code = $1 and ($2::text is null or p.name = $2) order by k.account_no, p.name`;

const resumeProfiles = `update sync_profile set suspended_reason = null, next_due = now() where id = any ($1)`;

const taskById = `
  select t.id, c.code as customer, k.account_no as account, p.name as profile, to_char(t.cycle_start, 'YYYY-MM-DD') as "cycleStart",
    t.status, t.counts, t.chain_id as "chainId", t.started_at as "startedAt", t.finished_at as "finishedAt"
  from sync_task t join sync_profile p on p.id = t.profile_id join contract k on k.id = p.contract_id
  join customer c on c.id = k.customer_id where t.id = $1`;

interface TaskRow {
  readonly id: string;
  readonly customer: string;
  readonly account: string;
  readonly profile: string;
  readonly cycleStart: string;
  readonly status: SyncTaskView['status'];
  readonly counts: Record<string, unknown>;
  readonly chainId: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

export function syncServices(context: ServiceContext) {
  const { database } = context;

  async function profilesOf(customer: string, profile: string | undefined): Promise<ProfileRow[]> {
    const rows = await database.query<ProfileRow>(profilesOfCustomer, [customer, profile ?? null]);
    if (rows.length > 0) return rows;
    const [known] = await database.query('select 1 from customer where code = $1', [customer]);
    if (!known) {
      throw new ServiceError(
        'not-found',
        `no customer has the code ${customer}; apply its document first: linekeeper customer apply FILE`,
      );
    }
    const which = profile === undefined ? 'no sync profile' : `no sync profile named ${profile}`;
    throw new ServiceError('not-found', `customer ${customer} has ${which}; add it to its document and apply that`);
  }

  async function open(row: ProfileRow, decision: RoutingDecision, by: string, force: boolean) {
    const opened = await database.transaction((tx) =>
      openSyncTask(tx, row, decision, enqueueBlocked(context), { requestedBy: by, force }),
    );
    if (opened) return { id: opened.taskId, chainId: opened.chainId, started: true };
    const [there] = await database.query<{ id: string; chainId: string | null }>(
      `select id, chain_id as "chainId" from sync_task where profile_id = $1 and status = 'open'`,
      [row.id],
    );
    if (!there) throw new ServiceError('conflict', `a sync of ${row.customer}/${row.name} ended just now; ask again`);
    return { ...there, started: false };
  }

  return {
    async runSync(request: By & { customer: string; profile?: string; force: boolean }): Promise<SyncStartedView> {
      const rows = await profilesOf(request.customer, request.profile);
      const barred = request.force ? [] : rows.filter((row) => row.suspended !== null || !row.enabled);
      if (barred.length === rows.length && barred[0]) {
        const { customer, name } = barred[0];
        throw new ServiceError(
          'conflict',
          `profile ${customer}/${name} is ${whyBarred(barred[0])}; run it all the same with --force`,
        );
      }
      const tasks = [];
      for (const row of rows.filter((one) => !barred.includes(one))) {
        const decision = await context.route(row.sync_type);
        const task = await open(row, decision, request.by, request.force);
        tasks.push({ ...task, profile: row.name, account: row.account });
      }
      context.wake(...tasks.flatMap(({ chainId, started }) => (started && chainId ? [chainId] : [])));
      const skipped = barred.map((row) => ({
        profile: row.name,
        suspended: row.suspended !== null,
        why: whyBarred(row),
      }));
      return { tasks, skipped };
    },

    async resumeSync(request: By & { customer: string; profile?: string }): Promise<SyncResumedView> {
      const rows = await profilesOf(request.customer, request.profile);
      const suspended = rows.filter((row) => row.suspended !== null);
      if (suspended.length > 0) await database.query(resumeProfiles, [suspended.map(({ id }) => id)]);
      for (const { id } of suspended) context.alerts.resolve('profile.suspended', `profile ${id}`);
      return {
        resumed: suspended.map(({ name, account, suspended: reason }) => ({ profile: name, account, reason: reason! })),
      };
    },

    async syncTask(id: string): Promise<SyncTaskView | null> {
      const [task] = await database.query<TaskRow>(taskById, [id]);
      if (!task) return null;
      const { chainId, ...rest } = task;
      const row = chainId ? await showChain(database, chainId) : null;
      const broken = row && ['dead', 'failed', 'cancelled', 'quarantined', 'blocked'].includes(row.state);
      return {
        ...rest,
        status: task.status === 'open' && broken ? 'failed' : task.status,
        startedAt: task.startedAt.toISOString(),
        finishedAt: task.finishedAt?.toISOString() ?? null,
        chain: row ? chainView(context, row) : null,
        steps: row ? stepsOf(context, row) : [],
      };
    },
  };
}

function whyBarred({ suspended }: ProfileRow): string {
  return suspended === null ? 'switched off' : `suspended: ${suspended}`;
}

/** The engine's enqueue as sync tasks need it: a chain that this release lacks is stored as blocked. */
export function enqueueBlocked({ enqueue }: Pick<ServiceContext, 'enqueue'>) {
  return async (...[tx, chain, input, options]: Parameters<Parameters<typeof openSyncTask>[3]>): Promise<string> =>
    (await enqueue(tx, chain, input, { ...options, unknown: 'block' })).chainId;
}

function stepsOf(
  context: ServiceContext,
  row: NonNullable<Awaited<ReturnType<typeof showChain>>>,
): SyncTaskView['steps'] {
  const definition = context.definitions.find((one) => one.name === row.name && one.version === row.version);
  const names = definition?.steps.map((step) => step.name) ?? [];
  const at = row.state === 'succeeded' ? names.length : names.indexOf(row.step);
  const stopped = ['dead', 'failed', 'cancelled', 'quarantined'].includes(row.state);
  return names.map((name, index) => {
    const here = stopped ? 'failed' : row.state === 'running' ? 'running' : 'waiting';
    return {
      name,
      state: index < at ? 'done' : index === at ? here : 'waiting',
      progress: index === at ? progressOf(context, row.id) : null,
    };
  });
}
