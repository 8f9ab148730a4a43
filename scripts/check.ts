/**
 * `npm run check`: types, format and lint, floating promises, import direction, file length and file names.
 * Every check runs, all problems are shown together, and the exit code is 1 when there is one.
 */
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { lengthProblems, nameProblems } from './check-files.ts';
import { importProblems } from './check-imports.ts';
import { sourceFiles } from './source-files.ts';

interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly output: string;
  readonly durationMs: number;
}

const { values } = parseArgs({ options: { root: { type: 'string' } } });
const root = values.root ?? join(import.meta.dirname, '..');
// the tools come from this repository, whatever tree they look at
const tools = join(import.meta.dirname, '..', 'node_modules', '.bin');

/** Runs one tool to its end. A tool that cannot be started is a failed check, not a skipped one. */
function tool(name: string, command: string, args: readonly string[]): Promise<CheckResult> {
  const startedAtMs = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (ok: boolean, note = '') =>
      resolve({
        name,
        ok,
        output: Buffer.concat(chunks).toString('utf8') + note,
        durationMs: performance.now() - startedAtMs,
      });
    const child = spawn(join(tools, command), args, {
      cwd: root,
      env: { ...process.env, PATH: [dirname(process.execPath), tools, process.env.PATH].join(delimiter) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => finish(false, `${command} could not be started: ${error.message}; run npm ci\n`));
    child.on('close', (code, signal) => finish(code === 0, signal ? `${command} was ended by ${signal}\n` : ''));
  });
}

function own(name: string, run: () => readonly string[]): CheckResult {
  const startedAtMs = performance.now();
  const problems = run();
  return {
    name,
    ok: problems.length === 0,
    output: problems.map((problem) => `${problem}\n`).join(''),
    durationMs: performance.now() - startedAtMs,
  };
}

const files = sourceFiles(root);
const results: readonly CheckResult[] = [
  own('import direction', () => importProblems(root, files)),
  own('file length', () => lengthProblems(root, files)),
  own('file names', () => nameProblems(files)),
  ...(await Promise.all([
    tool('types (tsc)', 'tsc', ['--noEmit', '--pretty', 'false']),
    tool('format and lint (biome)', 'biome', ['check', '--error-on-warnings', '.']),
    tool('floating promises (oxlint)', 'oxlint', ['--type-aware', '--deny-warnings']),
  ])),
];

const failed = results.filter((result) => !result.ok);
for (const result of failed) process.stdout.write(`\n--- ${result.name}\n${result.output}`);
process.stdout.write('\n');
for (const result of results) {
  process.stdout.write(`${result.ok ? 'ok    ' : 'FAILED'} ${result.name} (${Math.round(result.durationMs)} ms)\n`);
}
process.exitCode = failed.length === 0 ? 0 : 1;
