/** Schedules as the doors show, switch and run them. */
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { ScheduleDetailView, ScheduleRunView, ScheduleView } from '../admin/views.ts';
import { InputRefusedError } from '../chains/enqueue.ts';
import { CronError } from '../schedule/cron.ts';
import { runNow, ScheduleBusyError } from '../schedule/run-now.ts';
import { enableSchedule } from '../schedule/schedule.ts';
import { listSchedules, type ScheduleRow, showSchedule } from '../schedule/show.ts';
import type { ServiceContext } from './context.ts';

export function scheduleServices(context: Pick<ServiceContext, 'database' | 'enqueue' | 'wake'>) {
  const { database, enqueue } = context;

  async function unknown(name: string): Promise<ServiceError> {
    const names = (await listSchedules(database)).map((schedule) => schedule.name).join(', ') || 'none';
    return new ServiceError('not-found', `there is no schedule ${name}; schedules are: ${names}`);
  }

  async function detail(name: string): Promise<ScheduleDetailView> {
    const found = await showSchedule(database, name);
    if (!found) throw await unknown(name);
    return {
      ...scheduleView(found),
      input: found.input,
      upcoming: found.upcoming.map((due) => due.toISOString()),
      slots: found.slots.map((slot) => ({ ...slot, dueAt: slot.dueAt.toISOString(), at: slot.at.toISOString() })),
    };
  }

  return {
    schedules: async (): Promise<readonly ScheduleView[]> => (await listSchedules(database)).map(scheduleView),
    schedule: detail,
    async enableSchedule({ name, enabled }: By & { name: string; enabled: boolean }): Promise<ScheduleDetailView> {
      try {
        if (!(await enableSchedule(database, name, enabled))) throw await unknown(name);
      } catch (error) {
        if (error instanceof CronError) throw new ServiceError('refused', error.message, { cause: error });
        throw error;
      }
      return detail(name);
    },
    async runSchedule({ by, name }: By & { name: string }): Promise<ScheduleRunView> {
      try {
        const slot = await runNow(database, enqueue, name, by);
        if (!slot) throw await unknown(name);
        context.wake();
        const { result, reason, chainId } = slot;
        return { schedule: name, dueAt: slot.dueAt.toISOString(), result, reason, chainId };
      } catch (error) {
        if (error instanceof ScheduleBusyError) throw new ServiceError('conflict', error.message, { cause: error });
        if (error instanceof InputRefusedError) throw new ServiceError('refused', error.message, { cause: error });
        throw error;
      }
    },
  };
}

function scheduleView({ nextDueAt, lastFiredAt, failingSince, ...row }: ScheduleRow): ScheduleView {
  const { name, cron, timeZone, everyMs, chain, catchUp, catchUpMax, overlap, enabled, error } = row;
  return {
    ...{ name, cron, timeZone, everyMs, chain, catchUp, catchUpMax, overlap, enabled, error },
    nextDueAt: enabled ? nextDueAt.toISOString() : null,
    lastFiredAt: lastFiredAt?.toISOString() ?? null,
    failingSince: failingSince?.toISOString() ?? null,
  };
}
