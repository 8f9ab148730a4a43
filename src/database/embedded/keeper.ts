/**
 * The keeper: a small process between the owner and PostgreSQL. It starts PostgreSQL (or watches one that runs already)
 * and stops it when told to, and when its channel to the owner closes, which the kernel does also for an owner that was
 * killed. It restarts nothing: when PostgreSQL ends, the keeper says so and ends too.
 *
 * It has a session of its own, so a Ctrl-C on the terminal reaches the owner alone. `keeper.json` in the cluster's home
 * names it (pid and kernel start time), so that a new owner can wait for it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type KeeperOrder, type KeeperReport, keeperRecord, startTimeOf } from './keeper-protocol.ts';
import { endPostmaster, findPostmaster, waitForEnd } from './postmaster.ts';

const order = JSON.parse(process.argv[2]!) as KeeperOrder;
let stopping: 'asked' | 'owner gone' | null = null;
let current: { pid: number; child: ChildProcess | null } | null = null;

process.on('disconnect', () => void stop('owner gone'));
process.on('message', (message) => void (message === 'stop' && stop('asked')));
process.on('SIGTERM', () => void stop('asked'));
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});

writeFileSync(keeperRecord(order.home), JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
const ended = order.adopt === null ? await start() : await adopt(order.adopt);
rmSync(keeperRecord(order.home), { force: true });
// The report must be out before the channel goes; with the owner gone there is nobody to tell.
await new Promise<void>((resolve) => {
  if (!process.connected) return resolve();
  process.send!({ type: 'ended', wanted: stopping !== null, reason: ended } satisfies KeeperReport, () => resolve());
});
process.exit(0);

async function stop(why: 'asked' | 'owner gone'): Promise<void> {
  if (stopping) return;
  stopping = why;
  if (current) await endPostmaster(current.pid, order.data, order.fastStopMs);
}

/** Starts PostgreSQL and resolves to how it ended. */
async function start(): Promise<string> {
  const deadline = performance.now() + order.lockedForMs;
  for (;;) {
    if (stopping) return 'stopped before it was started';
    const attempt = await startOnce();
    // Children of a killed postmaster hold its memory for about half a second; until then a start is refused.
    const locked = !attempt.ready && /pre-existing shared memory block|lock file ".*" already exists/.test(attempt.log);
    if (!locked || performance.now() > deadline) {
      return attempt.ready ? attempt.how : `did not start: ${attempt.how}: ${attempt.log.trim()}`;
    }
    await delay(100);
  }
}

async function startOnce(): Promise<{ ready: boolean; how: string; log: string }> {
  const log = openLog();
  const from = statSync(order.log).size;
  const child = spawn(order.program, order.args, {
    cwd: '/',
    env: order.env,
    stdio: ['ignore', log, log],
    ...(order.user ? { uid: order.user.uid, gid: order.user.gid } : {}),
  });
  closeSync(log);
  const exit = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
  });
  let how: string | null = null;
  void exit.then((value) => {
    how = value;
  });
  if (child.pid) current = { pid: child.pid, child };
  let ready = false;
  while (how === null && !ready) {
    const found = findPostmaster(order.data);
    ready = found?.pid === child.pid && found?.status === 'ready';
    if (!ready) await delay(10);
  }
  if (ready) report({ type: 'ready', pid: child.pid! });
  const reason = await exit;
  current = null;
  const written = readFileSync(order.log).subarray(from).toString('utf8').slice(-2_000);
  return { ready, how: reason, log: written };
}

async function adopt(pid: number): Promise<string> {
  current = { pid, child: null };
  report({ type: 'ready', pid });
  while (!(await waitForEnd(pid, order.data, 3_600_000)));
  return 'ended';
}

/** Appended to; a big one is set aside at a start, so that two files are the most there is. */
function openLog(): number {
  const size = statSync(order.log, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 8 * 1024 * 1024) renameSync(order.log, `${order.log}.1`);
  return openSync(order.log, 'a', 0o600);
}

function report(message: KeeperReport): void {
  if (process.connected) process.send!(message, () => {});
}
