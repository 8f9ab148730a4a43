/**
 * Asks another release whether it could be started here: its own `bin/linekeeper release check`, with this process's
 * environment and configuration. It resolves always; whatever hinders the check is a release that does not fit.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckedRelease } from './guard.ts';

export interface CheckRun {
  /** The release's directory. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What paths of the configuration are relative to. */
  readonly cwd: string;
  /** The value of `--config` that this process was started with. */
  readonly configFile?: string | undefined;
  /** Ends the check. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Form of `release check --json`. */
export interface ReleaseReport {
  readonly ok: boolean;
  readonly release: string;
  readonly checks: readonly ReleaseCheck[];
}

export interface ReleaseCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
}

const keptOutput = 64 * 1024;

export function runReleaseCheck({
  directory,
  env,
  cwd,
  configFile,
  signal,
  timeoutMs,
}: CheckRun): Promise<CheckedRelease> {
  const args = ['release', 'check', '--json', ...(configFile === undefined ? [] : ['--config', configFile])];
  return new Promise((resolve) => {
    const child = spawn(join(directory, 'bin/linekeeper'), args, {
      env: { ...env },
      // the directory that the service was started in may be gone with its release
      cwd: existsSync(cwd) ? cwd : '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      killSignal: 'SIGKILL',
    });
    let said = '';
    let complained = '';
    child.stdout.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(0, keptOutput)));
    child.stderr.on('data', (bytes: Buffer) => (complained = (complained + bytes.toString()).slice(0, keptOutput)));
    child.once('error', (error) =>
      resolve({
        ok: false,
        message: error.name === 'AbortError' ? `its check did not end in ${timeoutMs} ms` : error.message,
      }),
    );
    child.once('close', (code, ended) => {
      const report = readReport(said);
      if (code === 0 && report?.ok) return resolve({ ok: true, message: `release ${report.release} fits` });
      const wrong = report?.checks.filter((check) => !check.ok).map((check) => `${check.name}: ${check.message}`);
      const words = wrong?.length ? wrong.join('; ') : firstLine(complained);
      resolve({ ok: false, message: words || `its check ended with ${ended ?? `exit code ${code}`}` });
    });
  });
}

function readReport(text: string): ReleaseReport | null {
  try {
    const found = JSON.parse(text) as Partial<ReleaseReport>;
    return Array.isArray(found.checks) ? (found as ReleaseReport) : null;
  } catch {
    return null;
  }
}

function firstLine(text: string): string {
  return text
    .trim()
    .split('\n')[0]!
    .replace(/^linekeeper: /, '')
    .slice(0, 500);
}
