/** ROUTIT's interface as a client meets it: overviews and files agree with each other and with the truth. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { ServedProviders } from '../../../simulator/http/serve.ts';
import { callsOf, control, e8, months, serve, statedAmounts } from '../http/served.ts';

const authorization = `Basic ${Buffer.from('reseller:riddle').toString('base64')}`;

async function overview(served: ServedProviders, period: string, page = 1): Promise<Response> {
  const body = `<CdrOverviewRequest><Header/><Period>${period}</Period><Page>${page}</Page></CdrOverviewRequest>`;
  return fetch(`${served.base}/cdr`, { method: 'POST', headers: { authorization }, body });
}

interface Listed {
  customerId: string;
  rows: number;
  net: bigint;
  url: string;
  md5: string;
}

function listed(xml: string): Listed[] {
  return [...xml.matchAll(/<Customer>(.*?)<\/Customer>/gs)].map(([, inner = '']) => {
    const of = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(inner)?.[1] ?? '';
    return {
      customerId: of('customerId'),
      rows: Number(of('rows')),
      net: e8(of('net') || '0'),
      url: of('url'),
      md5: of('md5'),
    };
  });
}

async function allListed(served: ServedProviders, period: string): Promise<Listed[]> {
  const first = await (await overview(served, period)).text();
  const pages = Number(/<pages>(\d+)</.exec(first)![1]);
  const rest = Array.from({ length: pages - 1 }, async (_, index) =>
    (await overview(served, period, index + 2)).text(),
  );
  return [first, ...(await Promise.all(rest))].flatMap(listed);
}

function fetchFile(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers: { authorization, ...headers } });
}

async function bytesOf(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetchFile(url)).arrayBuffer());
}

async function rowsIn(one: Listed): Promise<string[][]> {
  const text = gunzipSync(await bytesOf(one.url)).toString('utf8');
  assert.ok(text.startsWith('\uFEFFCustomerId;Service;ANumber;BNumber;StartLocal;'));
  return text
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(';'));
}

test('what the overview says of a file is true of it, and customers add up to the reseller', async () => {
  const served = await serve(['ROUTIT'], { records: 4000 });
  try {
    const truth = await control<{
      resellers: { period: string; rows: number; netE8: string }[];
      suspense: { customerId: string; period: string; msisdn?: string; records: number }[];
    }>(served, 'GET', 'truth');
    const stated = await statedAmounts(served);
    for (const period of months) {
      const all = await allListed(served, period);
      assert.deepEqual(
        all.map(({ customerId }) => customerId),
        ['0000005001', '0000005002', '0000005999'],
      );
      const reseller = truth.resellers.find((one) => one.period === period)!;
      assert.equal(
        all.reduce((sum, { net }) => sum + net, 0n),
        BigInt(reseller.netE8),
      );
      for (const one of all) {
        assert.equal(
          createHash('md5')
            .update(await bytesOf(one.url))
            .digest('hex'),
          one.md5,
        );
        const rows = await rowsIn(one);
        assert.equal(rows.length, one.rows);
        assert.equal(
          rows.reduce((sum, row) => sum + e8(row[8]!), 0n),
          one.net,
        );
        const mark = one.customerId === '0000005002' ? /^-?\d+\.\d{4}$/ : /^-?\d+,\d{4}$/;
        assert.ok(rows.every((row) => row[0] === one.customerId && mark.test(row[8]!)));
        const known = rows.filter((row) => row[2] !== '31850000999');
        const cycle = stated.get(`${one.customerId} ${period}-01`);
        assert.equal(cycle === undefined, one.customerId === '0000005999');
        if (cycle !== undefined) assert.equal(cycle.records, known.length);
        const strange = truth.suspense.find((entry) => entry.customerId === one.customerId && entry.period === period);
        assert.equal(strange?.records, one.customerId === '0000005999' ? rows.length : rows.length - known.length);
      }
    }
    assert.equal((await allListed(served, '2026-05')).length, 0);
  } finally {
    await served.stop();
  }
});

test('a broken download goes on where it broke, unless the file has changed in between', async () => {
  const faults = [{ at: 'ROUTIT.download', fault: 'F03', arg: { kind: 'reset', bytes: 1000 } }];
  const served = await serve(['ROUTIT'], { faults });
  try {
    const [one] = await allListed(served, '2026-03');
    await assert.rejects(bytesOf(one!.url));
    const rest = await fetchFile(one!.url, { range: 'bytes=1000-' });
    assert.equal(rest.status, 206);
    const wholeFile = await bytesOf(one!.url);
    assert.ok(wholeFile.subarray(1000).equals(Buffer.from(await rest.arrayBuffer())));
    assert.equal(rest.headers.get('content-range'), `bytes 1000-${wholeFile.length - 1}/${wholeFile.length}`);
    assert.equal((await fetchFile(one!.url, { range: `bytes=${wholeFile.length}-` })).status, 416);
    const order = { customer: one!.customerId, period: '2026-03' };
    await control(served, 'POST', 'redeliver', order);
    const [changed] = await allListed(served, '2026-03');
    assert.notEqual(changed!.md5, one!.md5);
    const again = await fetchFile(changed!.url, { range: 'bytes=1000-', 'if-range': `"${one!.md5}"` });
    assert.equal(again.status, 200);
    const [cycle] = await statedAmounts(served);
    assert.deepEqual(cycle, ['0000005001 2026-03-01', { records: changed!.rows, e8: changed!.net }]);
    await assert.rejects(control(served, 'POST', 'deliver', { customer: 'x' }), /name no file; customers: 0000005001/);
  } finally {
    await served.stop();
  }
});

test('a wrong password is refused, a wrong request is answered with the envelope', async () => {
  const served = await serve(['ROUTIT']);
  try {
    const headers = { authorization: `Basic ${Buffer.from('reseller:guess').toString('base64')}` };
    assert.equal((await fetch(`${served.base}/cdr`, { method: 'POST', headers, body: '' })).status, 401);
    const answer = await (await overview(served, 'soon')).text();
    assert.match(answer, /<isSuccess>false<\/isSuccess><errorCode>INVALID_REQUEST</);
    assert.equal((await fetchFile(`${served.base}/charges/..%2F..%2Fetc%2Fpasswd`)).status, 404);
  } finally {
    await served.stop();
  }
});

const spoiltOverviews: [fault: unknown, shows: RegExp][] = [
  [{ fault: 'F03', arg: { kind: 'envelope' } }, /<isSuccess>false</],
  [{ fault: 'F03', arg: { kind: 'html-502' } }, /^<!DOCTYPE html>/],
  [{ fault: 'F05' }, /<md5>0000/],
  [{ fault: 'F09', arg: { kind: 'nul' } }, /<customerId>\0/],
  [{ fault: 'F11' }, /<brand>/],
  [{ fault: 'F17' }, /<!DOCTYPE lol/],
  [{ fault: 'F17', arg: { kind: 'external' } }, /SYSTEM "file:/],
  [{ fault: 'F17', arg: { kind: 'path' } }, /charges\/\.\.\/\.\./],
  [{ fault: 'F17', arg: { kind: 'host' } }, /http:\/\/192\.0\.2\.1/],
  [{ fault: 'F20' }, /0000000911/],
];

test('every fault of an overview shows once', async () => {
  const served = await serve(['ROUTIT']);
  try {
    const good = await (await overview(served, '2026-03')).text();
    for (const [fault, shows] of spoiltOverviews) {
      await control(served, 'POST', 'faults', [{ at: 'ROUTIT.overview', ...(fault as object) }]);
      assert.match(await (await overview(served, '2026-03')).text(), shows);
      assert.equal(await (await overview(served, '2026-03')).text(), good);
    }
    assert.equal(await callsOf(served, 'ROUTIT.overview'), 1 + 2 * spoiltOverviews.length);
  } finally {
    await served.stop();
  }
});

test('a faulty file stays until the good one is delivered; the truth says what must become of it', async () => {
  const faults = [
    { at: 'ROUTIT.file', nth: 1, fault: 'F20' },
    { at: 'ROUTIT.file', nth: 2, fault: 'F16' },
    { at: 'ROUTIT.file', nth: 4, fault: 'F11', arg: { kind: 'order' } },
  ];
  const served = await serve(['ROUTIT'], { faults });
  try {
    const [wrong, empty] = await allListed(served, '2026-03');
    assert.ok((await rowsIn(wrong!)).every((row) => row[0] === '0000005777'));
    assert.deepEqual([empty!.rows, empty!.net], [0, 0n]);
    const [turned] = await allListed(served, '2026-10');
    const text = gunzipSync(await bytesOf(turned!.url)).toString('utf8');
    assert.ok(text.startsWith('\uFEFFReference;Currency;Purchase;'));
    const { files } = await control<{ files: unknown }>(served, 'GET', 'truth');
    assert.deepEqual(files, [
      { file: 'charges_0000000900_202603_0000005001.csv.gz', fate: 'refused' },
      { file: 'charges_0000000900_202603_0000005002.csv.gz', fate: 'imported' },
      { file: 'charges_0000000900_202610_0000005001.csv.gz', fate: 'imported' },
    ]);
    assert.equal((await statedAmounts(served)).has('0000005002 2026-03-01'), false);
    await control(served, 'POST', 'deliver', { customer: '0000005001', period: '2026-03' });
    const [right] = await allListed(served, '2026-03');
    assert.notEqual(right!.md5, wrong!.md5);
    assert.ok((await rowsIn(right!)).every((row) => row[0] === '0000005001'));
  } finally {
    await served.stop();
  }
});
