/** The commands about providers: which there are, whether a description is right, and going on after a suspension. */
import type { Command } from 'commander';
import type { CliIo } from './context.ts';
import { needed, type Words } from './words.ts';

export function providerWords(io: CliIo, { noun, local, remote, runs }: Words, sync: Command): void {
  remote(sync.command('resume').description('let suspended profiles ask their provider again'))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--profile <name>', 'only this profile')
    .action(
      runs(async () => {
        const { syncResume } = await import('./sync-resume.ts');
        return (options) => syncResume(io, options);
      }),
    );

  const provider = noun('provider', 'list, check: where usage comes from');
  local(provider.command('list').description('every provider with its chain, and where it is described')).action(
    runs(async () => {
      const { providerList } = await import('./provider.ts');
      return (options) => providerList(io, options);
    }),
  );
  local(
    provider.command('check <file>').description('is this description of a provider right? without a service'),
  ).action(
    runs(async () => {
      const { providerCheck } = await import('./provider.ts');
      return (file, options) => providerCheck(io, file, options);
    }),
  );
}
