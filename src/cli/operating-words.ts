/** The commands of whoever operates the service: pauses, schedules, node processes and what they share. */
import type { CliIo } from './context.ts';
import { needed, type Words } from './words.ts';

export function operatingWords(io: CliIo, { noun, local, remote, runs }: Words): void {
  const pause = noun('pause', 'list, set, end: what may not run now');
  remote(pause.command('list').description('every pause that holds, by whom, why and until when')).action(
    runs(async () => {
      const { pauseList } = await import('./pause.ts');
      return (options) => pauseList(io, options);
    }),
  );
  remote(pause.command('set <scope>').description('scope: all, chain:<name> or provider:<sync type>'))
    .addOption(needed('--why <text>', 'what whoever finds it has to know'))
    .option('--until <time>', 'ends by itself then, such as 2026-11-21T06:00:00Z')
    .action(
      runs(async () => {
        const { pauseSet } = await import('./pause.ts');
        return (scope, options) => pauseSet(io, scope, options);
      }),
    );
  remote(pause.command('end <scope>').description('let it go on')).action(
    runs(async () => {
      const { pauseEnd } = await import('./pause.ts');
      return (scope, options) => pauseEnd(io, scope, options);
    }),
  );

  const schedule = noun('schedule', 'list, show, enable, disable, run: what runs when');
  remote(schedule.command('list').description('every schedule with its plan, its next and its last time')).action(
    runs(async () => {
      const { scheduleList } = await import('./schedule.ts');
      return (options) => scheduleList(io, options);
    }),
  );
  remote(schedule.command('show <name>').description('a schedule with its next times and its last slots')).action(
    runs(async () => {
      const { scheduleShow } = await import('./schedule.ts');
      return (name, options) => scheduleShow(io, name, options);
    }),
  );
  for (const [verb, about] of [
    ['enable', 'switch it on; what it missed while it was off is not made up for'],
    ['disable', 'switch it off; a slot that waits is skipped'],
  ] as const) {
    remote(schedule.command(`${verb} <name>`).description(about)).action(
      runs(async () => {
        const { scheduleSwitch } = await import('./schedule.ts');
        return (name, options) => scheduleSwitch(io, verb, name, options);
      }),
    );
  }
  remote(schedule.command('run <name>').description('run it now, beside the plan')).action(
    runs(async () => {
      const { scheduleRun } = await import('./schedule.ts');
      return (name, options) => scheduleRun(io, name, options);
    }),
  );

  local(noun('signal', 'adopt: the hints between nodes').command('adopt'))
    .description('after a move of the database or of Redis: let the old owner of the Redis prefix go')
    .addOption(needed('--from <application>', 'the owner, as the start that was refused names it'))
    .action(
      runs(async () => {
        const { signalAdopt } = await import('./signal.ts');
        return (options) => signalAdopt(io, options);
      }),
    );

  const processes = noun('process', 'list, restart: the node processes of --processes');
  remote(processes.command('list').description('each node process, its state and its last proof of work')).action(
    runs(async () => {
      const { processList } = await import('./process.ts');
      return (options) => processList(io, options);
    }),
  );
  remote(processes.command('restart').description('one after the other, the next when the one before is ready')).action(
    runs(async () => {
      const { processRestart } = await import('./process.ts');
      return (options) => processRestart(io, options);
    }),
  );
}
