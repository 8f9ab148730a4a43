/**
 * The simulator's entry: reads flags, builds the world, writes it, and serves it by SFTP when asked to. On standard output
 * it prints one JSON line when everything is there; everything else goes to standard error. Exit codes: 0 done, 64 wrong
 * flags or an unusable directory, 1 anything else.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { customersForm, type SftpAccess } from './account.ts';
import { type Flags, readFlags, UsageError, usage } from './flags.ts';
import { claimDirectory, writeBytes, writeJson } from './output.ts';
import { hostKeyIn, type SftpServer, startSftpServer } from './sftp-server.ts';
import { createWorld, filesOf, truthOf } from './world.ts';

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
  claimDirectory(flags.out, stampOf(flags));
  const server = flags.sftpPort === null ? null : await serve(flags, flags.sftpPort, password);
  if (server !== null) stopOnSignal(server);
  const sftp: SftpAccess | null =
    server === null
      ? null
      : { host: '127.0.0.1', port: server.port, user: sftpUser, passwordEnv, hostKeySha256: server.hostKeySha256 };
  const startedMs = performance.now();
  try {
    writeWorld(flags, sftp);
  } catch (error) {
    await server?.stop(); // else the server would keep a failed process alive
    throw error;
  }
  const tookMs = Math.round(performance.now() - startedMs);
  process.stderr.write(`simulator: ${flags.records} lines for ${flags.customers} customers in ${tookMs} ms\n`);
  process.stdout.write(`${JSON.stringify({ ready: true, out: flags.out, ...sftp })}\n`);
}

function writeWorld(flags: Flags, sftp: SftpAccess | null): void {
  const world = createWorld(flags);
  const drops = join(flags.out, 'drops');
  for (const tariff of world.tariffs) writeJson(join(flags.out, 'tariffs', `${tariff.tariff}.json`), tariff);
  writeJson(join(flags.out, 'customers.json'), customersForm(world.accounts, drops, sftp));
  const list = world.accounts.map((account) => ({ account, files: filesOf(world, account) }));
  if (flags.truth)
    writeJson(
      join(flags.out, 'truth.json'),
      truthOf(world, list, (files) => files.lines),
    );
  if (flags.truth && list.some(({ files }) => files.redelivered !== null)) {
    const after = truthOf(world, list, (files) => files.redelivered ?? files.lines);
    writeJson(join(flags.out, 'redeliver', 'truth.json'), after);
  }
  // Last, so that whoever sees a marker also finds the truth beside it.
  for (const { files } of list) {
    for (const { path, bytes } of files.written) writeBytes(join(flags.out, path), bytes);
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

function stopOnSignal(server: SftpServer): void {
  const stop = () => {
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** What must be equal for two runs to write the same drops; the port and the truth are not part of it. */
function stampOf({ seed, customers, subs, months, records, faults }: Flags): unknown {
  return { madeBy: 'linekeeper simulator', seed, customers, subs, months, records, faults };
}

try {
  await main(process.argv.slice(2), process.env);
} catch (error) {
  const known = error instanceof UsageError;
  process.stderr.write(`simulator: ${known ? error.message : (error as Error).stack}\n`);
  process.exitCode = known ? 64 : 1;
}
