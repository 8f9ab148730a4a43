/** The commands of whoever operates the service: pauses, node processes and what it shares. */
import type { CliIo } from './context.ts';
import { needed, type Words } from './words.ts';

export function operatingWords(io: CliIo, { noun, local, remote, runs }: Words): void {
  const pause = noun('pause', 'what may not run now');
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

  local(noun('signal', 'adopt: the hints between nodes').command('adopt'))
    .description('after a move of the database or of Redis: let the old owner of the Redis prefix go')
    .addOption(needed('--from <application>', 'the owner, as the start that was refused names it'))
    .action(
      runs(async () => {
        const { signalAdopt } = await import('./signal.ts');
        return (options) => signalAdopt(io, options);
      }),
    );

  const processes = noun('process', 'the node processes of --processes');
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
