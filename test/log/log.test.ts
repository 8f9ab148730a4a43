import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/log/log.ts';
import { maskNumber } from '../../src/log/mask.ts';

function recorder() {
  const lines: string[] = [];
  return { lines, destination: { write: (line: string) => void lines.push(line) } };
}

const number = '31612345678';

test('writes one JSON line with level, ISO time, message and the trace of the moment', () => {
  const { lines, destination } = recorder();
  let trace = 'a'.repeat(32);
  const log = createLog({ destination, mixin: () => ({ trace_id: trace }), base: { node: 'n1' } });
  log.info({ chain: '42' }, 'started');
  trace = 'b'.repeat(32);
  log.warn('again');
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.equal(lines.length, 2);
  assert.deepEqual(
    { ...first, time: typeof first.time },
    { level: 'info', time: 'string', node: 'n1', trace_id: 'a'.repeat(32), chain: '42', message: 'started' },
  );
  assert.ok(!Number.isNaN(Date.parse(first.time)));
  assert.equal(second.trace_id, 'b'.repeat(32));
});

test('respects its level', () => {
  const { lines, destination } = recorder();
  const log = createLog({ destination, level: 'error' });
  log.warn('not written');
  log.error('written');
  assert.equal(lines.length, 1);
});

const leaks: readonly [string, (log: ReturnType<typeof createLog>) => void][] = [
  ['a message', (log) => log.info(`call from +${number}.`)],
  ['a message argument', (log) => log.info('call from %s', number)],
  ['a field', (log) => log.info({ subscription: number }, 'x')],
  ['a nested field', (log) => log.info({ a: { b: [`tel:${number}`] } }, 'x')],
  ['a number field that is a JavaScript number', (log) => log.info({ msisdn: 31612345678 }, 'x')],
  ['the message and the stack of an error', (log) => log.error(new Error(`bad number ${number}`))],
  ['an error in a field', (log) => log.error({ error: new Error(`bad ${number}`) }, 'x')],
  ['the cause of an error', (log) => log.error({ err: new Error('bad', { cause: new Error(number) }) }, 'x')],
  ['the bindings of a child', (log) => log.child({ who: number }).info('x')],
  ['a file name', (log) => log.info({ file: `drop_${number}.csv` }, 'x')],
];
for (const [where, write] of leaks) {
  test(`shows no full phone number in ${where}`, () => {
    const { lines, destination } = recorder();
    write(createLog({ destination }));
    assert.equal(lines.length, 1);
    assert.ok(!lines[0]!.includes(number), lines.join());
    assert.ok(lines[0]!.includes('3161234****'), lines.join());
  });
}

test('writes no secret, by field name or in a URL', () => {
  const { lines, destination } = recorder();
  const log = createLog({ destination });
  log.info({ transport: { password: 'hunter2', private_key: 'hunter2' } }, 'x');
  log.info('postgres://linekeeper:hunter2@db/telecom is away');
  assert.ok(!lines.join().includes('hunter2'), lines.join());
  assert.match(lines[1]!, /postgres:\/\/linekeeper:\*\*\*@db/);
});

test('leaves ids, hashes, account numbers, amounts and the fencing token readable', () => {
  const { lines, destination } = recorder();
  const fields = {
    token: 7,
    chain: '12345678',
    sha256: `${'0123456789'.repeat(6)}abcd`,
    file: 'SP16X_0000000101_202603_000001.dat.gz',
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    amount: '1234567890.12340000',
    durationMs: 1234567890,
  };
  createLog({ destination }).info(fields, 'x');
  const { level: _, time: __, message: ___, ...written } = JSON.parse(lines[0]!);
  assert.deepEqual(written, { ...fields, amount: written.amount });
});

test('survives fields that cannot be serialised', () => {
  const { lines, destination } = recorder();
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  createLog({ destination }).info({ ring, big: 10n, bytes: new Uint8Array(3), call: () => 1 }, 'x');
  const line = JSON.parse(lines[0]!);
  assert.equal(line.big, '10');
  assert.equal(line.bytes, '[3 bytes]');
  assert.equal(line.call, '[function]');
});

test('an error keeps the name of its type, its code and its cause', () => {
  const { lines, destination } = recorder();
  class Refused extends Error {
    override readonly name = 'Refused';
    readonly code = 'ECONNREFUSED';
  }
  createLog({ destination }).error({ error: new Refused('no', { cause: new TypeError('why') }) }, 'x');
  const { error } = JSON.parse(lines[0]!);
  assert.deepEqual([error.type, error.code, error.cause.type], ['Refused', 'ECONNREFUSED', 'TypeError']);
});

test('the pseudonym of an erased number is shown whole, as it is no number', () => {
  assert.equal(maskNumber('erased-3f9a0c17be42'), 'erased-3f9a0c17be42');
  assert.equal(maskNumber(number), '3161234****');
});
