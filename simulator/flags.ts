/** The command line. Anything unknown or out of bounds is refused with a sentence that says what would be right. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Fault, parseFaultPlan } from './fault-plan.ts';
import { type CallFault, isCallFault, parseCallFaults } from './http/call-faults.ts';
import { callFaultMenu, type HttpProviderName } from './http/serve.ts';

export type ProviderName = 'KPN_SP16' | HttpProviderName;
const providerNames: readonly ProviderName[] = ['KPN_SP16', 'T_MOBILE', 'ROUTIT'];

export interface Flags {
  out: string;
  seed: number;
  customers: number;
  /** Subscriptions of all customers together. */
  subs: number;
  /** Ascending, each once. */
  months: string[];
  /** Lines of all files together. */
  records: number;
  /** null: no SFTP server. */
  sftpPort: number | null;
  /** At least one, each once. */
  providers: ProviderName[];
  /** null: no HTTP server. */
  httpPort: number | null;
  /** Faults of SP16 files. */
  faults: Fault[];
  /** Faults of calls and documents of the HTTP server. */
  callFaults: CallFault[];
  truth: boolean;
}

/** A mistake of the caller: printed without a stack, exit code 64. */
export class UsageError extends Error {}

export const usage = `Usage: npm run simulator -- [flags]     (or: node simulator/main.ts [flags])

Writes a month-by-month world of KPN SP16X files with tariffs, customers and the exact truth about its totals, and serves
two more providers by HTTP when asked to. The same flags write the same bytes.

  --out DIR          where to write (default ./.linekeeper/simulator); must be empty or made by the same flags
  --seed N           seed of everything random (default 7)
  --customers N      customers, one account each (default 2)
  --subs N           subscriptions, all customers together (default 200)
  --months LIST      months such as 2026-03,2026-04,2026-10 (the default)
  --records N        lines of each provider, all files together (default 100000)
  --sftp-port PORT   also serve DIR/drops by SFTP on 127.0.0.1 (0: any free port) until SIGTERM; the odd customers
                     (C001, C003, ...) then fetch there. The password is read from KPN_SFTP_PASSWORD
  --providers LIST   of KPN_SP16, T_MOBILE and ROUTIT (default KPN_SP16); the last two need --http-port
  --http-port PORT   serve T_MOBILE and ROUTIT by HTTP on 127.0.0.1 (0: any free port) until SIGTERM. Their secrets are
                     read from T_MOBILE_CLIENT_SECRET and ROUTIT_PASSWORD
  --faults FILE      JSON list of faults to build in, see docs/simulator.md
  --no-truth         leave out truth.json and the invoices (for a quick big file)
  --help             this text
`;

/** A file is built in memory, and one string holds at most 512 MiB. */
const mostLinesPerFile = 2_000_000;

/** Null when help was asked for. Throws UsageError. */
export function readFlags(args: readonly string[]): Flags | null {
  const values = parse(args);
  if (values.help === true) return null;
  const months = [...new Set((values.months ?? '2026-03,2026-04,2026-10').split(','))].sort();
  for (const month of months) {
    if (!/^20\d\d-(0[1-9]|1[0-2])$/.test(month))
      throw new UsageError(`--months: "${month}" is no month such as 2026-03`);
  }
  const customers = whole('--customers', values.customers ?? '2', 1, 500);
  const files = customers * months.length;
  const providers = providersIn(values.providers ?? 'KPN_SP16');
  const httpPort = values['http-port'] === undefined ? null : whole('--http-port', values['http-port'], 0, 65_535);
  const isServed = providers.some((name) => name !== 'KPN_SP16');
  if (isServed && httpPort === null)
    throw new UsageError('--providers: T_MOBILE and ROUTIT need --http-port (0: any free port)');
  if (!isServed && httpPort !== null) throw new UsageError('--http-port: name T_MOBILE or ROUTIT in --providers');
  return {
    out: resolve(values.out ?? '.linekeeper/simulator'),
    seed: whole('--seed', values.seed ?? '7', 0, 4_294_967_295),
    customers,
    subs: whole('--subs', values.subs ?? '200', customers, 1_000_000),
    months,
    records: whole('--records', values.records ?? '100000', files, files * mostLinesPerFile),
    sftpPort: values['sftp-port'] === undefined ? null : whole('--sftp-port', values['sftp-port'], 0, 65_535),
    providers,
    httpPort,
    ...(values.faults === undefined ? { faults: [], callFaults: [] } : readFaults(values.faults, months, customers)),
    truth: values['no-truth'] !== true,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const yes = { type: 'boolean' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        out: text,
        seed: text,
        customers: text,
        subs: text,
        months: text,
        records: text,
        'sftp-port': text,
        providers: text,
        'http-port': text,
        faults: text,
        'no-truth': yes,
        help: yes,
      },
    });
    return values;
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error);
    throw new UsageError(`${message} (--help lists the flags)`, { cause: error });
  }
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`${flag}: "${text}" is no whole number from ${least} to ${most}`);
  }
  return value;
}

function providersIn(list: string): ProviderName[] {
  const named = list.split(',');
  const stranger = named.find((name) => !providerNames.some((known) => known === name));
  if (stranger !== undefined)
    throw new UsageError(`--providers: "${stranger}" is not one of ${providerNames.join(', ')}`);
  return providerNames.filter((name) => named.includes(name));
}

/** One list holds both kinds: those of calls say where (`at`), those of files in which month. */
function readFaults(
  path: string,
  months: readonly string[],
  customers: number,
): { faults: Fault[]; callFaults: CallFault[] } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--faults: cannot read ${path}`, { cause: error });
  }
  try {
    const plan: unknown = JSON.parse(text);
    const calls = Array.isArray(plan) ? plan.filter(isCallFault) : [];
    const files = Array.isArray(plan) ? plan.filter((entry) => !isCallFault(entry)) : plan;
    return {
      faults: parseFaultPlan(JSON.stringify(files), months, customers),
      callFaults: parseCallFaults(calls, callFaultMenu),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--faults ${path}: ${reason}`, { cause: error });
  }
}
