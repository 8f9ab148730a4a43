/** The commands about cycles, and those by which a person decides which totals of one are current. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CliIo } from './context.ts';
import { needed, type Words } from './words.ts';

export function cycleWords(io: CliIo, { noun, remote, runs }: Words, totals: Command): void {
  const which = (command: Command) =>
    remote(command)
      .addOption(needed('--customer <code>', 'customer'))
      .addOption(needed('--cycle <date>', 'first day of the cycle, such as 2026-03-01'))
      .addOption(needed('--reason <text>', 'why; it is kept'))
      .option('--account <number>', 'which one, when the customer has several');

  const cycle = noun('cycle', 'list, close, reopen: when totals become final');
  remote(cycle.command('list').description('every cycle: its state, when it closes, what it waits for'))
    .addOption(needed('--customer <code>', 'customer'))
    .action(
      runs(async () => {
        const { cycleList } = await import('./cycle.ts');
        return (options) => cycleList(io, options);
      }),
    );
  which(cycle.command('close').description('close it now, without waiting for its late days')).action(
    runs(async () => {
      const { cycleClose } = await import('./cycle.ts');
      return (options) => cycleClose(io, options);
    }),
  );
  which(cycle.command('reopen').description('let it have new totals; its adjustments come home')).action(
    runs(async () => {
      const { cycleReopen } = await import('./cycle.ts');
      return (options) => cycleReopen(io, options);
    }),
  );

  which(totals.command('restore').description('make a backup the current totals again'))
    .addOption(needed('--generation <number>', 'the backup').argParser(generation))
    .action(
      runs(async () => {
        const { totalsRestore } = await import('./totals-review.ts');
        return (options) => totalsRestore(io, options);
      }),
    );
  remote(totals.command('review [verdict]').description('what waits for a person; accept or discard it'))
    .option('--customer <code>', 'customer')
    .option('--cycle <date>', 'first day of the cycle')
    .option('--reason <text>', 'why; it is kept')
    .option('--account <number>', 'which one, when the customer has several')
    .action(
      runs(async () => {
        const { totalsReview } = await import('./totals-review.ts');
        return (verdict, options) => totalsReview(io, verdict, options);
      }),
    );
}

function generation(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('must be a number from 1 on');
  return value;
}
