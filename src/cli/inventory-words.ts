/** The commands of whoever looks after numbers and money: inventory, alert rules, reports. */
import type { Command } from 'commander';
import type { CliIo } from './context.ts';
import { wholeNumber } from './whole-number.ts';
import { needed, type Words } from './words.ts';

export function inventoryWords(io: CliIo, { noun, remote, runs }: Words, subscription: Command): void {
  remote(subscription.command('list').description('every number with its cost centre, dates and source'))
    .option('--customer <code>', 'only this customer')
    .option('--discovered', 'only numbers that no customers document names')
    .option('--unused <cycles>', 'only those without usage in so many whole cycles', wholeNumber)
    .option('--numbers', 'show the numbers')
    .option('--limit <count>', 'at most so many', wholeNumber, 1_000)
    .action(
      runs(async () => {
        const { subscriptionList } = await import('./inventory.ts');
        return (options) => subscriptionList(io, options);
      }),
    );

  remote(noun('suspense', 'list: what no contract or subscription is known for').command('list'))
    .description('what a reseller was delivered, by end customer and number, and nobody can be charged for yet')
    .option('--numbers', 'show the numbers')
    .option('--limit <count>', 'at most so many', wholeNumber, 1_000)
    .action(
      runs(async () => {
        const { suspenseList } = await import('./suspense.ts');
        return (options) => suspenseList(io, options);
      }),
    );

  const rule = noun('alert-rule', 'list, apply: when somebody is told of usage and numbers');
  remote(rule.command('list').description('every rule with its scope and parameters')).action(
    runs(async () => {
      const { alertRuleList } = await import('./inventory.ts');
      return (options) => alertRuleList(io, options);
    }),
  );
  remote(rule.command('apply <file>').description('apply a rules document')).action(
    runs(async () => {
      const { loadDocument } = await import('./load-document.ts');
      return (file, options) => loadDocument(io, '/alert-rules', file, options);
    }),
  );

  const report = noun('report', 'usage: what was used and what it costs, as CSV or JSON');
  remote(report.command('usage').description('the current totals of a cycle, with VAT per code'))
    .addOption(needed('--customer <code>', 'customer'))
    .addOption(needed('--cycle <date>', 'first day of the cycle, such as 2026-03-01'))
    .option('--by <grouping>', 'subscription, cost-centre or category; else a row for each subscription and category')
    .option('--format <format>', 'csv or json (csv)')
    .option('--out <file>', 'write it there; whole or not at all')
    .option('--numbers', 'show the numbers of subscriptions')
    .action(
      runs(async () => {
        const { reportUsage } = await import('./report.ts');
        return (options) => reportUsage(io, options);
      }),
    );
}
