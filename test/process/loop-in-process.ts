/** A process whose loop is watched; `argv`: state directory, interval and deadline in ms. Told on stdin what to do. */
import { execFileSync } from 'node:child_process';
import { openBoot } from '../../src/process/boot.ts';
import { watchLoop } from '../../src/process/loop-watchdog.ts';

const [stateDirectory = '', interval, deadline] = process.argv.slice(2);
openBoot({
  stateDirectory,
  release: '0.1.0',
  pid: process.pid,
  limits: { healthyAfterMs: 60_000, baseMs: 0, capMs: 0 },
  now: () => new Date(),
  warn: (message) => console.log(message),
});
watchLoop({
  stateDirectory,
  intervalMs: Number(interval),
  deadlineMs: Number(deadline),
  onProblem: (error) => console.log(error),
});

function spinningForMs(forMs: number): void {
  const until = performance.now() + forMs;
  while (performance.now() < until);
}

process.stdin.setEncoding('utf8');
process.stdin.on('data', (order: string) => {
  const [verb, ms] = order.trim().split(' ');
  if (verb === 'spin') spinningForMs(Number(ms));
  if (verb === 'wait') execFileSync('sleep', [String(Number(ms) / 1000)]);
  console.log(`did ${order.trim()}`);
});
console.log('watched');
