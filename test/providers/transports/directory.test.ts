import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDirectory } from '../../../src/providers/transports/directory.ts';
import { files, transportConformance } from './conformance.ts';

const directory = await mkdtemp(join(tmpdir(), 'drop-'));
for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
await mkdir(join(directory, 'sub'));

transportConformance('directory', () => openDirectory(directory));

test('a directory that is missing is unavailable, a file in its place refused', async () => {
  await assert.rejects(openDirectory(join(directory, 'none')), { effect: 'unavailable', message: /none \(ENOENT\)/ });
  await assert.rejects(openDirectory(join(directory, 'a.dat')), { effect: 'refused', message: /is not a directory/ });
});

test('what cannot be read of a file is the trouble of that file', async () => {
  const transport = await openDirectory(directory);
  await assert.rejects(
    async () => {
      for await (const _ of await transport.open('sub'));
    },
    { name: 'TransportError', effect: 'unavailable', ofFile: true, message: /sub \(EISDIR\)/ },
  );
  await assert.rejects(transport.open('none.dat'), { effect: 'unavailable', ofFile: true });
});

test('a directory without permission is refused', async () => {
  await chmod(directory, 0o755);
  await chmod(join(directory, 'sub'), 0o000);
  await asOrdinaryUser(async () => {
    const transport = await openDirectory(join(directory, 'sub'));
    await assert.rejects(transport.list(), { effect: 'refused', message: /no permission/ });
  });
});

/** Root may read everything; as root the work is done as nobody. */
async function asOrdinaryUser(work: () => Promise<void>): Promise<void> {
  if (process.getuid!() !== 0) return work();
  process.seteuid!(65_534);
  try {
    await work();
  } finally {
    process.seteuid!(0);
  }
}
