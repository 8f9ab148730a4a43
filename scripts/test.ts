/**
 * `npm test [files]`: brings what the tests need, starts one PostgreSQL for all of them, runs `node --test` and ends with
 * its exit code. Without arguments it runs every `test/**\/*.test.ts`. The server ends with the run, also on Ctrl-C.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { startTestServer } from '../test/support/database.ts';
import { bringNeeds, needs, thisMachine } from './test-needs.ts';

const root = join(import.meta.dirname, '..');
const perFileTimeoutMs = 180_000;
const concurrency = 2;

/** Arguments may be files or globs, relative to where npm was called. */
function chosenFiles(args: readonly string[]): string[] {
  if (args.length === 0) return globSync('test/**/*.test.ts', { cwd: root }).sort();
  const base = process.env.INIT_CWD ?? process.cwd();
  return args.flatMap((argument) => {
    const found = globSync(argument, { cwd: base }).map((file) => relative(root, resolve(base, file)));
    if (found.length === 0)
      throw new Error(`no test file matches ${argument}; name files such as test/log/mask.test.ts`);
    return found;
  });
}

async function main(): Promise<number> {
  const files = chosenFiles(process.argv.slice(2));
  if (files.length === 0) throw new Error('there is no test/**/*.test.ts in this repository');
  if (!bringNeeds(needs, thisMachine(process.env))) return 1;

  let child: ChildProcess | null = null;
  let interrupted: NodeJS.Signals | null = null;
  const interrupt = (signal: NodeJS.Signals) => {
    interrupted = signal;
    child?.kill(signal);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);

  const server = await startTestServer();
  try {
    if (interrupted) return 1;
    const code = await new Promise<number>((settle, fail) => {
      child = spawn(
        process.execPath,
        [
          '--test',
          `--test-concurrency=${concurrency}`,
          `--test-timeout=${perFileTimeoutMs}`,
          '--test-reporter=spec',
          ...files,
        ],
        {
          cwd: root,
          stdio: 'inherit',
          env: {
            ...process.env,
            // a test that starts `node` gets this one, not the system's
            PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
            LINEKEEPER_TEST_DATABASE_URL: server.url,
          },
        },
      );
      child.once('error', fail);
      child.once('exit', (exitCode) => settle(exitCode ?? 1));
    });
    return interrupted ? 1 : code;
  } finally {
    await server.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
