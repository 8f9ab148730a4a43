/** The commands of whoever checks the provider's invoices. */
import type { CliIo } from './context.ts';
import { wholeNumber } from './whole-number.ts';
import { needed, type Words } from './words.ts';

export function reconcilingWords(io: CliIo, { noun, remote, runs }: Words): void {
  const invoice = noun('invoice', "load, list, show: the provider's invoices and credit notes");
  remote(invoice.command('load <file>').description('load an invoice: JSON, or CSV when the name ends in .csv'))
    .option('--replace', 'in place of what was loaded under this number with other content')
    .option('--force', 'although its amount is many times what it usually is')
    .action(
      runs(async () => {
        const { invoiceLoad } = await import('./invoice.ts');
        return (file, options) => invoiceLoad(io, file, options);
      }),
    );
  remote(invoice.command('list').description('the invoices of a customer, the latest first'))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--account <number>', 'only of this account')
    .option('--limit <count>', 'at most so many', wholeNumber, 100)
    .action(
      runs(async () => {
        const { invoiceList } = await import('./invoice.ts');
        return (options) => invoiceList(io, options);
      }),
    );
  remote(invoice.command('show <number>').description('an invoice with its lines and its VAT'))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--account <number>', 'only of this account')
    .option('--numbers', 'show the numbers of subscriptions')
    .action(
      runs(async () => {
        const { invoiceShow } = await import('./invoice.ts');
        return (number, options) => invoiceShow(io, number, options);
      }),
    );

  const reconcile = noun('reconcile', 'run, show, dispute, set: invoices against our totals');
  remote(reconcile.command('run').description('compare the invoices of a cycle with its current totals'))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--cycle <date>', 'first day of the cycle; or')
    .option('--invoice <number>', 'the cycle of this invoice')
    .option('--account <number>', 'only this account')
    .action(
      runs(async () => {
        const { reconcileRun } = await import('./reconcile.ts');
        return (options) => reconcileRun(io, options);
      }),
    );
  remote(reconcile.command('show').description('what was found, and whether it still holds'))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--cycle <date>', 'this cycle, with its findings')
    .option('--account <number>', 'only this account')
    .option('--state <state>', 'only findings that are open, accepted, disputed or resolved')
    .option('--numbers', 'show the numbers of subscriptions')
    .action(
      runs(async () => {
        const { reconcileShow } = await import('./reconcile.ts');
        return (options) => reconcileShow(io, options);
      }),
    );
  remote(reconcile.command('dispute').description('dispute what is open, and write all that is disputed as CSV'))
    .addOption(needed('--customer <code>', 'customer'))
    .addOption(needed('--cycle <date>', 'first day of the cycle'))
    .addOption(needed('--out <file>', 'where to write; with numbers in full, for the provider'))
    .addOption(needed('--why <text>', 'what whoever looks later has to know'))
    .option('--account <number>', 'only this account')
    .action(
      runs(async () => {
        const { reconcileDispute } = await import('./dispute.ts');
        return (options) => reconcileDispute(io, options);
      }),
    );
  remote(reconcile.command('set <finding> <state>').description('open, accepted, disputed or resolved'))
    .addOption(needed('--why <text>', 'what whoever looks later has to know'))
    .action(
      runs(async () => {
        const { reconcileSet } = await import('./reconcile.ts');
        return (finding, state, options) => reconcileSet(io, finding, state, options);
      }),
    );
}
