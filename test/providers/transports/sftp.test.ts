import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSftp, type SftpOptions } from '../../../src/providers/transports/sftp.ts';
import { startSshd } from '../../support/sshd.ts';
import { files, transportConformance } from './conformance.ts';

const directory = await mkdtemp(join(tmpdir(), 'drop-'));
for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
await mkdir(join(directory, 'sub'));
const sshd = await startSshd();
after(() => sshd.stop());

const options: SftpOptions = {
  host: '127.0.0.1',
  port: sshd.port,
  user: sshd.user,
  dir: directory,
  login: { privateKey: sshd.privateKey },
  hostKeySha256: sshd.hostKeySha256,
};

transportConformance('sftp', () => openSftp(options));

test('a host key that is not the known one is refused and both are named', async () => {
  const wrong = openSftp({ ...options, hostKeySha256: 'SHA256:other' });
  await assert.rejects(wrong, {
    effect: 'refused',
    message: new RegExp(`${literally(sshd.hostKeySha256)}, expected SHA256:other`),
  });
});

test('a credential that the server does not take is refused after one try', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  await assert.rejects(openSftp({ ...options, login: { privateKey } }), {
    effect: 'refused',
    message: /refused the login/,
  });
});

test('a server that is not there is unavailable', async () => {
  await assert.rejects(openSftp({ ...options, port: 1 }), { effect: 'unavailable' });
});

test('a server that goes silent in the middle is unavailable, and closing does not wait for it', async () => {
  const transport = await openSftp({ ...options, keepaliveMs: 100 });
  sshd.pauseSessions();
  try {
    await assert.rejects(transport.list(), { effect: 'unavailable' });
    await transport.close();
  } finally {
    sshd.resumeSessions();
  }
});

test('of a marker that is no marker but a huge file only its beginning is read', async () => {
  await writeFile(join(directory, 'huge.ok'), Buffer.alloc(8 * 1024 * 1024, 'x'));
  const transport = await openSftp(options);
  assert.equal((await transport.readSmall('huge.ok')).length, 4_096);
  await transport.close();
});

function literally(text: string): string {
  return text.replaceAll(/[+/]/g, (sign) => `\\${sign}`);
}
