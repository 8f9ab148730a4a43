/**
 * The simulator's entry: reads flags, builds the world, writes it, and serves it by SFTP and HTTP when asked to. On standard output
 * it prints one JSON line when everything is there; everything else goes to standard error. Exit codes: 0 done, 64 wrong
 * flags or an unusable directory, 1 anything else.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { customersForm, type SftpAccess, sp16Contract } from './account.ts';
import { type Flags, readFlags, UsageError, usage } from './flags.ts';
import { type HttpProviderName, type ServedProviders, serveProviders } from './http/serve.ts';
import { invoicesOf } from './invoices/invoices.ts';
import { claimDirectory, writeBytes, writeJson } from './output.ts';
import { passwordEnv as routItEnv } from './routit/provider.ts';
import { hostKeyIn, type SftpServer, startSftpServer } from './sftp-server.ts';
import { secretEnv as tMobileEnv } from './t-mobile/provider.ts';
import { createWorld, filesOf, type TruthForm, truthOf, type World } from './world.ts';

const passwordEnv = 'KPN_SFTP_PASSWORD';
const sftpUser = 'kpn';

async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const flags = readFlags(args);
  if (flags === null) {
    process.stdout.write(usage);
    return;
  }
  const password = env[passwordEnv] ?? '';
  if (flags.sftpPort !== null && password === '') {
    throw new UsageError(`--sftp-port: set ${passwordEnv} to the password that the server shall ask for`);
  }
  const secrets = secretsFor(flags, env);
  claimDirectory(flags.out, stampOf(flags));
  const world = createWorld(flags);
  const startedMs = performance.now();
  const server = flags.sftpPort === null ? null : await serve(flags, flags.sftpPort, password);
  let served: ServedProviders | null = null;
  const stop = async () => void (await Promise.all([server?.stop(), served?.stop()]));
  try {
    if (flags.httpPort !== null) served = await serveHttp(flags, world, flags.httpPort, secrets);
    if (server !== null || served !== null) stopOnSignal(stop);
    writeWorld(flags, world, server === null ? null : accessTo(server), served);
  } catch (error) {
    await stop(); // else the servers would keep a failed process alive
    throw error;
  }
  const tookMs = Math.round(performance.now() - startedMs);
  process.stderr.write(`simulator: ${flags.records} lines for ${flags.customers} customers in ${tookMs} ms\n`);
  const sftp = server === null ? {} : accessTo(server);
  const http = served === null ? {} : { http: served.base };
  process.stdout.write(`${JSON.stringify({ ready: true, out: flags.out, ...sftp, ...http })}\n`);
}

function accessTo({ port, hostKeySha256 }: SftpServer): SftpAccess {
  return { host: '127.0.0.1', port, user: sftpUser, passwordEnv, hostKeySha256 };
}

function writeWorld(flags: Flags, world: World, sftp: SftpAccess | null, served: ServedProviders | null): void {
  const drops = join(flags.out, 'drops');
  const isSp16 = flags.providers.includes('KPN_SP16');
  const accounts = isSp16 ? world.accounts : [];
  for (const tariff of [...(isSp16 ? world.tariffs : []), ...(served?.tariffs ?? [])]) {
    writeJson(join(flags.out, 'tariffs', `${tariff.tariff}.json`), tariff);
  }
  for (const zones of isSp16 ? world.zoneSets : [])
    writeJson(join(flags.out, 'zones', `${zones.provider}.json`), zones);
  const contracts = [...accounts.map((account) => sp16Contract(account, drops, sftp)), ...(served?.contracts ?? [])];
  writeJson(join(flags.out, 'customers.json'), customersForm(contracts));
  const list = accounts.map((account) => ({ account, files: filesOf(world, account) }));
  if (flags.truth) {
    const { cycles, ...rest } = truthOf(world, list, (files) => files.lines);
    writeInvoices(flags, world, cycles);
    const { cycles: more = [], ...others } = served?.truth() ?? {};
    writeJson(join(flags.out, 'truth.json'), { ...rest, ...others, cycles: [...cycles, ...more] });
  }
  if (flags.truth && list.some(({ files }) => files.redelivered !== null)) {
    const after = truthOf(world, list, (files) => files.redelivered ?? files.lines);
    writeJson(join(flags.out, 'redeliver', 'truth.json'), after);
  }
  // Last, so that whoever sees a marker also finds the truth beside it.
  for (const { files } of list) {
    for (const { path, bytes } of files.written) writeBytes(join(flags.out, path), bytes);
  }
}

function writeInvoices({ out, seed }: Flags, world: World, cycles: TruthForm['cycles']): void {
  const made = cycles.map((cycle) => {
    const account = world.accounts.find((one) => one.account === cycle.account);
    return invoicesOf(seed, account?.index ?? 0, cycle);
  });
  for (const { invoice, creditNote } of made) {
    writeJson(join(out, 'invoices', `${invoice.number}.json`), invoice);
    writeJson(join(out, 'credit-notes', `${creditNote.number}.json`), creditNote);
  }
  writeJson(join(out, 'invoices-truth.json'), { seed, invoices: made.map(({ truth }) => truth) });
}

/** What the HTTP providers will ask for. Throws UsageError when one that is served has none. */
function secretsFor(flags: Flags, env: NodeJS.ProcessEnv): Record<HttpProviderName, string> {
  const secrets = { T_MOBILE: env[tMobileEnv] ?? '', ROUTIT: env[routItEnv] ?? '' };
  for (const [name, variable] of [
    ['T_MOBILE', tMobileEnv],
    ['ROUTIT', routItEnv],
  ] as const) {
    if (flags.providers.includes(name) && secrets[name] === '') {
      throw new UsageError(`--providers ${name}: set ${variable} to the secret that the server shall ask for`);
    }
  }
  return secrets;
}

async function serveHttp(
  flags: Flags,
  world: World,
  port: number,
  secrets: Record<HttpProviderName, string>,
): Promise<ServedProviders> {
  const providers = flags.providers.filter((name) => name !== 'KPN_SP16');
  const { calendar } = world;
  try {
    return await serveProviders({
      ...flags,
      port,
      providers,
      faults: flags.callFaults,
      calendar,
      secrets,
      nowMs: Date.now,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new UsageError(`--http-port: 127.0.0.1:${port} is in use; 0 takes any free port`, { cause: error });
  }
}

async function serve(flags: Flags, port: number, password: string): Promise<SftpServer> {
  const root = join(flags.out, 'drops');
  mkdirSync(root, { recursive: true });
  try {
    return await startSftpServer({ root, hostKeyPath: hostKeyIn(flags.out), port, user: sftpUser, password });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new UsageError(`--sftp-port: 127.0.0.1:${port} is in use; 0 takes any free port`, { cause: error });
  }
}

function stopOnSignal(stop: () => Promise<void>): void {
  const end = () => {
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}

/** What must be equal for two runs to write the same drops; ports and the truth are not part of it. */
function stampOf({ seed, customers, subs, months, records, faults, callFaults, providers }: Flags): unknown {
  const common = { madeBy: 'linekeeper simulator', seed, customers, subs, months, records, faults };
  const isSp16Only = providers.length === 1 && providers[0] === 'KPN_SP16';
  return isSp16Only ? common : { ...common, callFaults, providers };
}

try {
  await main(process.argv.slice(2), process.env);
} catch (error) {
  const known = error instanceof UsageError;
  process.stderr.write(`simulator: ${known ? error.message : (error as Error).stack}\n`);
  process.exitCode = known ? 64 : 1;
}
