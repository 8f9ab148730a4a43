/**
 * A simulated world of all three providers, served by the simulator as a process of its own, and the same world without
 * faults, from which an operator delivers good files.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { accountOf } from '../system/faulty-world.ts';
import { customers, months, type SeedPlan } from './plan.ts';

const root = join(import.meta.dirname, '..', '..');

/** What the providers ask for; the service gets the same. */
export const secrets = { T_MOBILE_CLIENT_SECRET: 'a-secret-of-tests', ROUTIT_PASSWORD: 'another-secret-of-tests' };

export interface SeedWorld {
  readonly directory: string;
  /** One order or question to the providers behind HTTP. */
  control<T>(method: 'GET' | 'POST' | 'DELETE', name: string, body?: unknown): Promise<T>;
  /** Puts the good files in the place of the bad ones, and what was left out or delivered again. Names of all drops then. */
  deliverFiles(): readonly string[];
  /** Path of the truth about the files of SP16 when everything has been delivered. */
  readonly fileTruth: string;
  close(): Promise<void>;
}

export async function openSeedWorld(plan: SeedPlan, recordsPerFile: number): Promise<SeedWorld> {
  const scratch = mkdtempSync(join(tmpdir(), 'seeds-'));
  const directory = join(scratch, 'world');
  const clean = join(scratch, 'clean');
  const planPath = join(scratch, 'plan.json');
  writeFileSync(planPath, JSON.stringify([...plan.files, ...plan.calls]));
  const size = ['--seed', String(plan.worldSeed), '--customers', String(customers), '--subs', String(customers * 3)];
  size.push('--months', months.join(','), '--records', String(customers * months.length * recordsPerFile));
  execFileSync(process.execPath, [join(root, 'simulator/main.ts'), '--out', clean, '--no-truth', ...size], {
    stdio: 'pipe',
  });
  const served = ['--providers', 'KPN_SP16,T_MOBILE,ROUTIT', '--http-port', '0', '--faults', planPath];
  const { child, base } = await serve(['--out', directory, ...size, ...served]);
  const after = join(directory, 'redeliver', 'truth.json');

  return {
    directory,
    fileTruth: existsSync(after) ? after : join(directory, 'truth.json'),
    async control<T>(method: string, name: string, body?: unknown) {
      const answer = await fetch(`${base}/_sim/${name}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!answer.ok) throw new Error(`${method} /_sim/${name}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    },
    deliverFiles() {
      for (const from of ['missing', 'redeliver']) copyTree(join(directory, from), join(directory, 'drops'));
      for (const { customer, month, fault } of plan.files) {
        if (!['F04', 'F05', 'F12', 'F20'].includes(fault)) continue;
        deliverGood(join(clean, 'drops'), join(directory, 'drops'), accountOf(customer), month);
      }
      return readdirSync(join(directory, 'drops'), { recursive: true, encoding: 'utf8' });
    },
    async close() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

async function serve(flags: readonly string[]): Promise<{ child: ChildProcess; base: string }> {
  const child = spawn(process.execPath, [join(root, 'simulator/main.ts'), ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...secrets },
  });
  let trouble = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    trouble += text;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, base: (JSON.parse(line) as { http: string }).http };
  }
  throw new Error(`the simulator ended: ${trouble}`);
}

/** The marker last, as a provider does it. */
function copyTree(from: string, to: string): void {
  if (!existsSync(from)) return;
  for (const account of readdirSync(from)) {
    if (account.endsWith('.json')) continue;
    const names = readdirSync(join(from, account)).sort(
      (a, b) => Number(a.endsWith('.ok')) - Number(b.endsWith('.ok')),
    );
    for (const name of names) copyFileSync(join(from, account, name), join(to, account, name));
  }
}

/** Sequence numbers and the file before are those of the world with the fault: a month that was left out shifts them. */
function deliverGood(clean: string, drops: string, account: string, month: string): void {
  const isOfMonth = (name: string) => name.includes(`_${month.replace('-', '')}_`);
  const [bad] = readdirSync(join(drops, account)).filter((name) => isOfMonth(name) && name.endsWith('.gz'));
  const [good] = readdirSync(join(clean, account)).filter((name) => isOfMonth(name) && name.endsWith('.gz'));
  if (bad !== good) throw new Error(`the good file of ${account} ${month} is ${good}, the bad one ${bad}`);
  for (const suffix of ['', '.ok'])
    copyFileSync(join(clean, account, `${good}${suffix}`), join(drops, account, `${good}${suffix}`));
}

export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
