import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readBoots } from '../../src/process/boot-record.ts';
import { until } from '../support/service.ts';

const intervalMs = 50;
const deadlineMs = 2_400;

describe('the watchdog', { concurrency: 1 }, () => {
  let directory: string;
  let child: ChildProcess;
  let output: string;
  let ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lk-watchdog-'));
    output = '';
    const script = join(import.meta.dirname, 'loop-in-process.ts');
    child = spawn(process.execPath, [script, directory, `${intervalMs}`, `${deadlineMs}`]);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    await said('watched');
  });
  afterEach(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  });

  const said = (text: string) => until(`'${text}' in:\n${output}`, async () => output.includes(text), 10_000);
  const lastBoot = () => readBoots(join(directory, 'boots.json'), assert.fail).boots.at(-1);

  test('a loop that never returns is reported with its stack, and the process is ended as a blocked loop', async () => {
    child.stdin!.write('spin 600000\n');
    const { signal } = await ended;
    assert.equal(signal, 'SIGKILL', output);
    const lines = output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['error', 'fatal'],
    );
    assert.match(lines[0].stack, /^at spinningForMs \(.*loop-in-process\.ts:\d+:\d+\)/m);
    assert.equal(lastBoot()?.end, 'blocked loop');
    assert.match(lastBoot()!.why!, /blocked for \d+ ms at spinningForMs/);
  });

  test('a main thread that waits inside Node is ended too, and the line says why there is no stack', async () => {
    child.stdin!.write('wait 8000\n');
    const { signal } = await ended;
    assert.equal(signal, 'SIGKILL', output);
    assert.match(output, /its stack is not known: the main thread runs no JavaScript/);
    assert.equal(lastBoot()?.end, 'blocked loop');
  });

  test('long work below the deadline goes on, and is told when it was long', async () => {
    child.stdin!.write('spin 1800\n');
    await said('did spin 1800');
    await said('the event loop turns again after');
    assert.match(output, /the event loop has been blocked for .*/);
    assert.equal(lastBoot()?.end, null);
    assert.equal(child.exitCode, null);
  });

  test('a process that was stopped for much longer than the deadline goes on', async () => {
    for (let round = 0; round < 2; round += 1) {
      child.kill('SIGSTOP');
      // the time itself is what is tested here
      await delay(deadlineMs * 1.5);
      child.kill('SIGCONT');
      child.stdin!.write(`spin ${round}\n`);
      await said(`did spin ${round}`);
    }
    await delay(intervalMs * 6);
    assert.doesNotMatch(output, /blocked/);
    assert.equal(child.exitCode, null);
    assert.equal(child.signalCode, null);
  });
});
