/** The commands about providers: which there are, whether a description is right, going on after a suspension, and a file by hand. */
import type { Command } from 'commander';
import type { CliIo } from './context.ts';
import { needed, type Words } from './words.ts';

export function providerWords(io: CliIo, { noun, local, remote, runs }: Words, sync: Command): void {
  remote(noun('import', 'import a file that is there already, without asking its provider'))
    .addOption(needed('--from-archive <file>', 'a path that the service can read, or the sha256 of an archived file'))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--profile <name>', 'whose file it is, when the customer has several')
    .option('--again', 'also one that was imported: decode it anew')
    .option('--wait', 'until it is totalled; shows progress')
    .action(
      runs(async () => {
        const { importFile } = await import('./import.ts');
        return (options) => importFile(io, options);
      }),
    );

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
