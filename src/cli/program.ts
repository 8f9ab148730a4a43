/** Every command of the command line: its words, its options, and the file that runs it. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { CliIo } from './context.ts';
import { cycleWords } from './cycle-words.ts';
import { documentWords } from './document-words.ts';
import { groupCommands } from './help-groups.ts';
import { inventoryWords } from './inventory-words.ts';
import { operatingWords } from './operating-words.ts';
import { previewWords } from './preview-words.ts';
import { privacyWords } from './privacy-words.ts';
import { providerWords } from './provider-words.ts';
import { reconcilingWords } from './reconciling-words.ts';
import { wholeNumber } from './whole-number.ts';
import { isNeeded, needed, type Run } from './words.ts';

export function buildProgram(program: Command, io: CliIo, done: (code: number) => void): Command {
  program
    .name('linekeeper')
    .description('Fetches, rates and totals call records, and never stops silently.')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'linekeeper: ')),
    })
    .version(release(), '--version')
    .exitOverride()
    .showHelpAfterError('(add --help for what is possible)')
    .helpCommand(false)
    .addHelpText('after', '\nA noun with --help lists its verbs: linekeeper totals --help. All of them: docs/cli.md');

  /** The last argument that commander gives is the command itself, the one before its options. */
  const runs =
    (load: () => Promise<Run>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const missing = command.options.find(
        (option) => isNeeded(option) && command.getOptionValue(option.attributeName()) === undefined,
      );
      if (missing) command.error(`error: required option '${missing.flags}' not specified`);
      const run = await load();
      done(await run(...(given.slice(0, -1) as never[])));
    };
  const noun = (name: string, about: string) => program.command(name).description(about).helpCommand(false);
  const local = (command: Command) =>
    command
      .option('--json', 'machine-readable on standard output')
      .option('--config <file>', 'configuration file; else LINEKEEPER_CONFIG');
  const remote = (command: Command) => local(command).option('--socket <path>', 'admin socket of the service');

  local(program.command('start').description('run the service until it is stopped'))
    .option('--processes <count>', 'so many node processes under a primary; else the key processes', wholeNumber)
    .addOption(new Option('--node <index>').argParser(wholeNumber).hideHelp())
    .action(
      runs(async () => {
        const { start } = await import('./start.ts');
        return (options) => start(io, options);
      }),
    );
  local(program.command('demo').description('simulator and service: months of records become totals'))
    .option('--stay', 'keep the service running at the end')
    .option('--records <count>', 'records to simulate', wholeNumber, 100_000)
    .option('--subs <count>', 'subscriptions to simulate', wholeNumber, 200)
    .action(
      runs(async () => {
        const { runDemo } = await import('./demo.ts');
        return (options) => runDemo(io, options);
      }),
    );

  const config = noun('config', 'check, show: the configuration');
  local(config.command('check').description('read everything and say what is wrong')).action(
    runs(async () => {
      const { configCheck } = await import('./config.ts');
      return (options) => configCheck(io, options);
    }),
  );
  local(config.command('show').description('every key with its value, secrets masked')).action(
    runs(async () => {
      const { configShow } = await import('./config.ts');
      return (options) => configShow(io, options);
    }),
  );

  local(program.command('rate').description('try a tariff on records; prints pieces, billed usage and amount as JSON'))
    .addOption(needed('--tariff <file>', 'tariff document'))
    .addOption(needed('--records <file>', 'records document'))
    .option('--fallback <file>', 'tariff document that the tariff falls back to; repeatable', collect)
    .option('--zones <file>', 'zone sets of the provider, for versions without zones of their own')
    .option('--number-mask <digits>', 'digits of dialled numbers that an import would not keep', wholeNumber, 4)
    .action(
      runs(async () => {
        const { rate } = await import('./rate.ts');
        return (options) => rate(io, options);
      }),
    );

  local(noun('release', 'check: could this release be started here?').command('check'))
    .description('could this release be started here? loads all of it, reads configuration and schema')
    .action(
      runs(async () => {
        const { releaseCheck } = await import('./release-check.ts');
        return (options) => releaseCheck(io, options);
      }),
    );

  const sync = noun('sync', 'run, resume: fetch, import, rate and total now');
  remote(sync.command('run').description("run a customer's sync profiles now"))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--profile <name>', 'only this profile')
    .option('--force', 'also a profile that is suspended or switched off')
    .option('--wait', 'until it ended; shows progress')
    .action(
      runs(async () => {
        const { syncRun } = await import('./sync-run.ts');
        return (options) => syncRun(io, options);
      }),
    );

  const totals = noun('totals', 'show, explain, recalculate, restore, review published totals');
  remote(totals.command('recalculate').description('back up and calculate the totals of a cycle again'))
    .addOption(needed('--customer <code>', 'customer'))
    .addOption(needed('--cycle <date>', 'first day of the cycle, such as 2026-03-01'))
    .option('--account <number>', 'only this one, when the customer has several')
    .option('--wait', 'until it ended; shows progress')
    .action(
      runs(async () => {
        const { totalsRecalculate } = await import('./totals-recalculate.ts');
        return (options) => totalsRecalculate(io, options);
      }),
    );
  remote(totals.command('show').description('the current totals'))
    .addOption(needed('--customer <code>', 'customer'))
    .option('--cycle <date>', 'this cycle, by subscription and category')
    .option('--numbers', 'show the numbers of subscriptions')
    .action(
      runs(async () => {
        const { totalsShow } = await import('./totals-show.ts');
        return (options) => totalsShow(io, options);
      }),
    );
  remote(totals.command('explain').description('from a total down to records, file, line and tariff rule'))
    .addOption(needed('--customer <code>', 'customer'))
    .addOption(needed('--cycle <date>', 'first day of the cycle'))
    .option('--msisdn <number>', 'only this subscription')
    .option('--category <name>', 'only this category')
    .option('--limit <count>', 'most records shown', wholeNumber, 20)
    .action(
      runs(async () => {
        const { totalsExplain } = await import('./totals-explain.ts');
        return (options) => totalsExplain(io, options);
      }),
    );

  cycleWords(io, { noun, local, remote, runs }, totals);

  const chain = noun('chain', 'list, show, why, cancel, retry, replay: the chains of work');
  remote(chain.command('list').description('the latest chains'))
    .option('--state <state>', 'only in this state')
    .option('--name <name>', 'only of this name')
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .action(
      runs(async () => {
        const { chainList } = await import('./chain-list.ts');
        return (options) => chainList(io, options);
      }),
    );
  remote(chain.command('show <id>').description('a chain with its steps and its log')).action(
    runs(async () => {
      const { chainShow } = await import('./chain-show.ts');
      return (id, options) => chainShow(io, id, options);
    }),
  );
  remote(chain.command('why <id>').description('why a chain moves or does not')).action(
    runs(async () => {
      const { chainWhy } = await import('./chain-why.ts');
      return (id, options) => chainWhy(io, id, options);
    }),
  );
  for (const [verb, about] of [
    ['cancel', 'end a chain'],
    ['retry', 'let a dead or failed chain try again'],
  ] as const) {
    remote(chain.command(`${verb} <id>`).description(about)).action(
      runs(async () => {
        const { chainMove } = await import('./chain-move.ts');
        return (id, options) => chainMove(io, verb, id, options);
      }),
    );
  }

  remote(chain.command('replay <id>').description('run a chain again from one of its steps, with the same input'))
    .addOption(needed('--from <step>', 'the step that it begins again with'))
    .action(
      runs(async () => {
        const { chainMove } = await import('./chain-move.ts');
        return (id, options) => chainMove(io, 'replay', id, options);
      }),
    );

  const dead = noun('dead', 'retry, remove: dead letters');
  remote(dead.command('retry').description('let all dead letters that match try again'))
    .option('--name <name>', 'only chains of this name')
    .option('--step <step>', 'only those that died at this step')
    .action(
      runs(async () => {
        const { deadRetry } = await import('./dead.ts');
        return (options) => deadRetry(io, options);
      }),
    );
  remote(dead.command('remove <id>').description('end a dead letter for good'))
    .option('--why <text>', 'the reason, for its log')
    .action(
      runs(async () => {
        const { deadRemove } = await import('./dead.ts');
        return (id, options) => deadRemove(io, id, options);
      }),
    );

  const alert = noun('alert', 'list, test, resolve: what is wrong');
  remote(alert.command('list').description('alerts, open ones first'))
    .option('--state <state>', 'open or resolved')
    .option('--limit <count>', 'at most so many', wholeNumber, 100)
    .action(
      runs(async () => {
        const { alertList } = await import('./alert.ts');
        return (options) => alertList(io, options);
      }),
    );
  remote(alert.command('test').description('tell every channel a test')).action(
    runs(async () => {
      const { alertTest } = await import('./alert.ts');
      return (options) => alertTest(io, options);
    }),
  );
  remote(alert.command('resolve <rule> <subject>').description('close an alert by hand')).action(
    runs(async () => {
      const { alertResolve } = await import('./alert.ts');
      return (rule, subject, options) => alertResolve(io, rule, subject, options);
    }),
  );

  documentWords(io, { noun, local, remote, runs });
  remote(noun('actor', 'send: a control message to an actor').command('send <path> <message>'))
    .description('send a control message (JSON) to an actor')
    .action(
      runs(async () => {
        const { actorSend } = await import('./actor-send.ts');
        return (path, message, options) => actorSend(io, path, message, options);
      }),
    );

  const words = { noun, local, remote, runs };
  const subscription = noun('subscription', 'list, erase, export: the numbers of the customers');
  inventoryWords(io, words, subscription);
  privacyWords(io, words, subscription);
  providerWords(io, words, sync);
  previewWords(io, words);
  operatingWords(io, words);
  reconcilingWords(io, words);

  remote(
    program.command('why <chain>').description('why a chain does not run; `why down`: what of the service does not'),
  ).action(
    runs(async () => {
      const { why } = await import('./why.ts');
      return (about, options) => why(io, about, options);
    }),
  );
  remote(program.command('health').description('does the service do its work? exit code 1 when not')).action(
    runs(async () => {
      const { health } = await import('./health.ts');
      return (options) => health(io, options);
    }),
  );
  remote(program.command('tree').description('the supervision tree')).action(
    runs(async () => {
      const { tree } = await import('./tree.ts');
      return (options) => tree(io, options);
    }),
  );
  remote(program.command('status').description('health and tree')).action(
    runs(async () => {
      const { status } = await import('./status.ts');
      return (options) => status(io, options);
    }),
  );
  groupCommands(program);
  return program;
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function release(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
