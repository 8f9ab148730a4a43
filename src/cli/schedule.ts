/** `linekeeper schedule list | show | enable | disable | run`: what runs when, and what became of each time. */
import type { ScheduleDetailView, ScheduleRunView, ScheduleView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine, printTable, time } from './print.ts';

export async function scheduleList(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const schedules = await client.get<readonly ScheduleView[]>('/schedules');
  if (options.json) {
    printJson(io, schedules);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'SCHEDULE', of: ({ name }) => name },
      { head: 'PLAN', of: planText },
      { head: 'CHAIN', of: ({ chain }) => chain },
      { head: 'NEXT (UTC)', of: ({ nextDueAt }) => (nextDueAt === null ? 'switched off' : time(nextDueAt)) },
      { head: 'LAST (UTC)', of: ({ lastFiredAt }) => (lastFiredAt === null ? 'never' : time(lastFiredAt)) },
      { head: 'CANNOT FIRE', of: ({ error }) => error ?? '' },
    ],
    schedules,
    'there is no schedule',
  );
  return exitCode.ok;
}

export async function scheduleShow(io: CliIo, name: string, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const schedule = await client.get<ScheduleDetailView>(`/schedules/${encodeURIComponent(name)}`);
  if (options.json) {
    printJson(io, schedule);
    return exitCode.ok;
  }
  const { chain, overlap, catchUp, catchUpMax, error, upcoming } = schedule;
  printLine(io, `${name}: ${planText(schedule)}, chain ${chain}${schedule.enabled ? '' : ', switched off'}`);
  printLine(io, `overlap ${overlap}, catch-up ${catchUp}${catchUp === 'all' ? ` of at most ${catchUpMax}` : ''}`);
  if (error !== null) printLine(io, `cannot fire since ${time(schedule.failingSince)} UTC: ${error}`);
  if (upcoming.length > 0) printLine(io, `next (UTC): ${upcoming.map(time).join(', ')}`);
  await printTable(
    io,
    [
      { head: 'DUE (UTC)', of: ({ dueAt }) => time(dueAt) },
      { head: 'RESULT', of: ({ result }) => result },
      { head: 'CHAIN', of: ({ chainId }) => chainId ?? '', right: true },
      { head: 'BY', of: ({ requestedBy }) => requestedBy ?? '' },
      { head: 'WHY', of: ({ reason }) => reason ?? '' },
    ],
    schedule.slots,
    'it has not been due yet',
  );
  return exitCode.ok;
}

export async function scheduleSwitch(
  io: CliIo,
  verb: 'enable' | 'disable',
  name: string,
  options: ServiceOptions,
): Promise<number> {
  const client = await openClient(io, options);
  const schedule = await client.post<ScheduleDetailView>(`/schedules/${encodeURIComponent(name)}/${verb}`, {});
  if (options.json) printJson(io, schedule);
  else printLine(io, `${name} is ${schedule.enabled ? `due at ${time(schedule.nextDueAt)} UTC` : 'switched off'}`);
  return exitCode.ok;
}

export async function scheduleRun(io: CliIo, name: string, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const slot = await client.post<ScheduleRunView>(`/schedules/${encodeURIComponent(name)}/run`, {});
  if (options.json) printJson(io, slot);
  else if (slot.result === 'fired') printLine(io, `${name} runs as chain ${slot.chainId}`);
  else printLine(io, `${name} runs as soon as it may: ${slot.reason}`);
  return exitCode.ok;
}

function planText({ cron, timeZone, everyMs }: ScheduleView): string {
  return everyMs === null ? `${cron} ${timeZone}` : `every ${everyMs / 1_000} s`;
}
