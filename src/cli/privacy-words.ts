/** The commands about what is kept: removing what is past its retention, and what is held about one number. */
import type { Command } from 'commander';
import type { CliIo } from './context.ts';
import { needed, type Words } from './words.ts';

export function privacyWords(io: CliIo, { noun, remote, runs }: Words, subscription: Command): void {
  remote(noun('purge', 'remove what is past its retention, now'))
    .option('--dry-run', 'only say what that would be')
    .action(
      runs(async () => {
        const { purge } = await import('./purge.ts');
        return (options) => purge(io, options);
      }),
    );

  remote(
    subscription.command('erase <msisdn>').description('make everything of a number anonymous, for good; amounts stay'),
  )
    .addOption(needed('--customer <code>', 'customer'))
    .addOption(needed('--reason <text>', 'why; it is kept'))
    .action(
      runs(async () => {
        const { subscriptionErase } = await import('./subscription.ts');
        return (msisdn, options) => subscriptionErase(io, msisdn, options);
      }),
    );
  remote(subscription.command('export <msisdn>').description('all that is held about a number, as JSON'))
    .addOption(needed('--customer <code>', 'customer'))
    .addOption(needed('--out <file>', 'where to; whole or not at all'))
    .action(
      runs(async () => {
        const { subscriptionExport } = await import('./subscription.ts');
        return (msisdn, options) => subscriptionExport(io, msisdn, options);
      }),
    );
}
