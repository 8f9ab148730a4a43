/** One file of a directory that cannot be had waits by itself: the others come, and nobody is suspended for it. No database. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { type Archive, openArchive } from '../../../src/archive/archive.ts';
import { type FileFetch, fetchFiles } from '../../../src/providers/interpreter/fetch-files.ts';
import type { Found } from '../../../src/providers/interpreter/found-files.ts';
import type { Ready } from '../../../src/providers/interpreter/readiness.ts';
import { kpnSp16 } from '../../../src/providers/kpn-sp16/adapter.ts';
import type { Watermark } from '../../../src/providers/sync-input.ts';
import { assertPlainName, type Transport, TransportError } from '../../../src/providers/transports/transport.ts';

const directory = mkdtempSync(join(tmpdir(), 'one-bad-file-'));
let archive: Archive;
before(async () => {
  archive = await openArchive(directory, { expectedId: null, randomId: () => crypto.randomUUID(), nowMs: Date.now });
});
after(() => rmSync(directory, { recursive: true }));

const ofFile = (effect: 'refused' | 'unavailable', what: string) => new TransportError(effect, what, { ofFile: true });

/** What is in it is a text, or what comes of opening it. */
function transportOf(content: Readonly<Record<string, string | Error>>, opened: string[] = []): Transport {
  const read = (name: string) => {
    assertPlainName(name);
    opened.push(name);
    const said = content[name]!;
    if (said instanceof Error) throw said;
    return said;
  };
  return {
    list: async () =>
      Object.entries(content).map(([name, said]) => ({
        name,
        bytes: said instanceof Error ? 9 : said.length,
        changedMs: 1,
      })),
    readSmall: async (name) => read(name),
    open: async (name) => Readable.from([Buffer.from(read(name))]),
    close: async () => {},
  };
}

const alerts = new Set<string>();

async function fetched(transport: Transport, ready: Ready, watermark: Watermark = {}): Promise<readonly Found[]> {
  const services = {
    archive,
    alerts: {
      raise: ({ rule, subject }: { rule: string; subject: string }) => void alerts.add(`${rule} ${subject}`),
      resolve: (rule: string, subject: string) => void alerts.delete(`${rule} ${subject}`),
    },
  };
  const context = {
    read: { query: async () => [] },
    input: { contractId: '1' },
    progress() {},
    signal: AbortSignal.any([]),
  };
  const subject = { customer: 'C1', account: '0000000001', watermark };
  const files = { ...kpnSp16.layout.files, header: undefined };
  const parse = (name: string) => (name.endsWith('.dat') ? { account: null, seq: null, logicalKey: name } : null);
  return fetchFiles({ services, context, subject, files, parse, ready } as unknown as FileFetch, transport);
}

const brief = (found: readonly Found[]) => found.map(({ kind, name }) => `${kind} ${name}`);
const markerOf = (text: string) => `${createHash('sha256').update(text).digest('hex')} ${text.length}\n`;

test('a file that may not be read, was taken away or has no plain name waits, and the others come', async () => {
  const transport = transportOf({
    '../a.dat': 'x',
    'b.dat': ofFile('refused', 'no permission to read b.dat'),
    'c.dat': ofFile('unavailable', 'no such file'),
    'd.dat': 'good',
  });
  const found = await fetched(transport, { when: 'atOnce' });
  assert.deepEqual(brief(found), ['pending ../a.dat', 'pending b.dat', 'pending c.dat', 'received d.dat']);
  assert.match((found[1] as { reason: string }).reason, /no permission to read b\.dat/);
});

test("a connection that breaks off, and a refused login, are not one file's trouble", async () => {
  for (const effect of ['refused', 'unavailable'] as const) {
    const broken = transportOf({ 'a.dat': new TransportError(effect, 'broke off'), 'b.dat': 'good' });
    await assert.rejects(fetched(broken, { when: 'atOnce' }), { effect });
  }
});

test('F05 a file that is not what its marker says is fetched once more, and then not until one of them changes', async () => {
  const ready: Ready = { when: 'marker', suffix: '.ok', holds: 'sha256 bytes' };
  let watermark: Watermark = {};
  const opened: string[] = [];
  const run = async (content: Record<string, string>) => {
    opened.length = 0;
    const found = await fetched(transportOf(content, opened), ready, watermark);
    const pending = found.filter((one) => one.kind === 'pending');
    watermark = {
      pending: Object.fromEntries(pending.map(({ name }) => [name, (watermark.pending?.[name] ?? 0) + 1])),
      stamps: Object.fromEntries(pending.map(({ name, stamp }) => [name, stamp])),
    };
    return [...brief(found), opened.filter((name) => name === 'a.dat').length];
  };
  const growing = { 'a.dat': 'hal', 'a.dat.ok': markerOf('half') };
  const wrong = { 'a.dat': 'flah', 'a.dat.ok': markerOf('half') };
  assert.deepEqual(await run(growing), ['pending a.dat', 0]);
  assert.deepEqual(await run(wrong), ['pending a.dat', 1]);
  assert.deepEqual(await run(wrong), ['pending a.dat', 1]);
  assert.deepEqual(await run(wrong), ['pending a.dat', 0]);
  assert.deepEqual(alerts, new Set(['file.not-ready C1/a.dat']));
  assert.deepEqual(await run({ ...wrong, 'a.dat.ok': markerOf('flah') }), ['received a.dat', 1]);
  assert.deepEqual(alerts, new Set());
});

test('F04 the alert of a file that was never whole ends when the file is gone', async () => {
  const ready: Ready = { when: 'marker', suffix: '.ok', holds: 'nothing' };
  await fetched(transportOf({ 'a.dat': 'x' }), ready, { pending: { 'a.dat': 2 } });
  assert.deepEqual(alerts, new Set(['file.not-ready C1/a.dat']));
  await fetched(transportOf({}), ready, { pending: { 'a.dat': 3 } });
  assert.deepEqual(alerts, new Set());
});
