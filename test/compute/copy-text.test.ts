import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { CopyText } from '../../src/compute/copy-text.ts';

function written(write: (out: CopyText) => void): string {
  const directory = mkdtempSync(join(tmpdir(), 'lk-copy-'));
  try {
    const path = join(directory, 'rows');
    const out = new CopyText(path);
    write(out);
    out.close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    return readFileSync(path, 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a 64-bit hash is written as PostgreSQL reads it', () => {
  const lane = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const edges = fc.constantFrom(-(2 ** 31), -1, 0, 1, 2 ** 31 - 1);
  const lanes = fc.array(fc.tuple(fc.oneof(edges, lane), fc.oneof(edges, lane)), { minLength: 1 });
  fc.assert(
    fc.property(lanes, (pairs) => {
      const text = written((out) => {
        for (const [high, low] of pairs) {
          out.int64(high, low);
          out.endRow();
        }
      });
      const expected = pairs.map(([high, low]) => BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0)));
      assert.equal(text, expected.map((value) => `${value}\n`).join(''));
    }),
    { numRuns: 200 },
  );
});

test('integers up to 2^53 are written exactly, negative ones too', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger(), { minLength: 1 }), (values) => {
      const text = written((out) => {
        for (const value of values) out.integer(value);
        out.endRow();
      });
      assert.equal(text, `${values.map(String).join('\t')}\n`);
    }),
    { numRuns: 200 },
  );
});

test('texts are escaped, bytes are hex, nulls are marked', () => {
  const text = written((out) => {
    out.text('a\tb\\c\nd\ré');
    out.hex(Buffer.from([0, 0xab, 0xff]), 1, 2);
    out.null();
    out.boolean(true);
    out.boolean(null);
    out.plainOrNull('');
    out.endRow();
  });
  assert.equal(text, 'a\\tb\\\\c\\nd\\ré\t\\\\xabff\t\\N\tt\t\\N\t\\N\n');
});

test('rows beyond the buffer follow each other, and a reset starts from nothing', () => {
  const text = written((out) => {
    for (let row = 0; row < 100_000; row += 1) {
      out.plain('to be forgotten');
      out.endRow();
    }
    out.reset();
    for (let row = 0; row < 200_000; row += 1) {
      out.integer(row);
      out.endRow();
    }
  });
  assert.equal(text, Array.from({ length: 200_000 }, (_, row) => `${row}\n`).join(''));
});

test('remove leaves no file, also after close', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lk-copy-'));
  const out = new CopyText(join(directory, 'rows'));
  out.close();
  out.remove();
  out.remove();
  assert.equal(existsSync(join(directory, 'rows')), false);
  rmSync(directory, { recursive: true });
});
