import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

test('a reader that has read enough, such as head, ends the command without a stack', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/main.ts'), '--help']);
  // closed before the command has anything to say
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [, signal] = await once(child, 'close');
  assert.deepEqual([signal, said], ['SIGTERM', '']);
});
