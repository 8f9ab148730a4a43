/** The files as bytes: layout, trailer, marker, chain of sequence numbers, and what stands in them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { accountsWithFiles, months, smallWorld } from './small-world.ts';
import { at, readSp16, signedAmount } from './sp16-reader.ts';

const world = smallWorld(30_000);
const list = accountsWithFiles(world);
const drops = list.map(({ account, files }) => ({
  account,
  files: files.written
    .filter(({ path }) => path.endsWith('.gz'))
    .map(({ path, bytes }) => {
      const gz = Buffer.from(bytes);
      return {
        path,
        gz,
        marker: files.written.find((other) => other.path === `${path}.ok`)?.bytes,
        read: readSp16(gz),
      };
    }),
}));
const allLines = drops.flatMap(({ files }) => files.flatMap(({ read }) => read.lines));

test('there is one file per account and month, with the name, header and marker of the specification', () => {
  for (const { account, files } of drops) {
    let previous = '00000000000000';
    files.forEach(({ path, gz, marker, read }, index) => {
      const month = months[index] ?? '';
      const seq = String(index + 1).padStart(6, '0');
      assert.equal(path, `drops/${account.account}/SP16X_${account.account}_${month.replace('-', '')}_${seq}.dat.gz`);
      assert.equal(marker, `${createHash('sha256').update(gz).digest('hex')} ${gz.length}\n`);
      const lastDay = Temporal.PlainYearMonth.from(month).daysInMonth;
      const period = month.replace('-', '');
      assert.equal(at(read.header, 1, 34), `00${account.account}${seq}${period}01${period}${lastDay}`);
      assert.match(at(read.header, 35, 48), /^\d{8}043000$/);
      assert.equal(at(read.header, 49, 55), 'EUR0103');
      assert.equal(at(read.header, 56, 69), previous);
      assert.equal(at(read.header, 70, 200).trim(), '');
      previous = seq + read.crc;
    });
    assert.equal(files.length, months.length);
  }
});

test('the trailer holds the count, the signed sum and the crc of what stands before it', () => {
  for (const { read } of drops.flatMap(({ files }) => files)) {
    const sum = read.lines.reduce((all, line) => all + signedAmount(at(line, 87, 98)), 0);
    assert.equal(at(read.trailer, 1, 2), '99');
    assert.equal(Number(at(read.trailer, 3, 10)), read.lines.length);
    assert.equal(signedAmount(at(read.trailer, 11, 26)), sum);
    assert.equal(at(read.trailer, 27, 34), read.crc);
    assert.equal(at(read.trailer, 35, 200).trim(), '');
  }
});

test('every line has its fields where the specification puts them', () => {
  for (const line of allLines) {
    assert.match(at(line, 1, 29), /^(10|20|30|40|50)K\d{11}316[123458]\d{7} {4}$/);
    assert.match(at(line, 87, 100), /^\d{11}[+-](21|00)$/);
    if (/^[45]0/.test(line)) {
      assert.match(at(line, 54, 69), /^\d{16}$/);
      assert.equal((at(line, 30, 53) + at(line, 70, 86) + at(line, 101, 114)).trim(), '');
      continue;
    }
    assert.match(at(line, 30, 53), line.startsWith('30') ? /^[a-z.]+ *$/ : /^\d+ *$/);
    assert.match(at(line, 54, 86), /^\d{14}[SW ]\d{8}\d{4}(\d{5} |\d{6}| {6})$/);
    assert.match(at(line, 101, 114), /^[JN]( {13}|[CD]K\d{11})$/);
    assert.match(at(line, 155, 169), line.startsWith('30') ? /^\d{15}$/ : /^ {15}$/);
  }
});

test('the number of lines is the number asked for, in the mix of the specification', () => {
  assert.equal(allLines.length, 30_000);
  const ordinary = list.flatMap(({ files }) => files.lines.flat().filter((line) => !line.isEdge));
  const share = (...types: string[]) => ordinary.filter(({ line }) => types.includes(line)).length / ordinary.length;
  assert.ok(Math.abs(share('10') - 0.62) < 0.01);
  assert.ok(Math.abs(share('20') - 0.18) < 0.01);
  assert.ok(Math.abs(share('30') - 0.18) < 0.01);
  assert.ok(Math.abs(share('40', '50') - 0.02) < 0.004);
  const codes = allLines.map((line) => at(line, 77, 80));
  assert.ok(Math.abs(codes.filter((code) => /^(3|6[12])/.test(code)).length / (0.8 * allLines.length) - 0.03) < 0.008);
  assert.equal(new Set(codes).size, 18 + 2); // every call code, an unknown one, and blanks for fees
});

test('double, late, corrected and cancelled lines occur as often as planned', () => {
  const byId = Map.groupBy(allLines, (line) => at(line, 3, 14));
  const doubles = [...byId.values()].filter((lines) => lines.length === 2);
  assert.equal(doubles.length, 6 * 10);
  for (const [one, two] of doubles) assert.equal(one, two);
  const corrections = allLines.filter((line) => /[CD]/.test(at(line, 102)) && /^[123]0/.test(line));
  assert.equal(corrections.length, 6 * 5);
  for (const line of corrections) assert.equal(byId.get(at(line, 103, 114))?.length, 1);
  const kinds = new Set(corrections.map((line) => at(line, 102)));
  assert.deepEqual([...kinds].sort(), ['C', 'D']);
  for (const { files } of drops) {
    const late = files.map(
      ({ read }, index) =>
        read.lines.filter((line) => at(line, 54, 59) < (months[index] ?? '').replace('-', '')).length,
    );
    assert.equal(late[0], 0);
    assert.ok(late[1]! >= 25 && late[2]! >= 25, String(late));
  }
});

test('a reader who keeps to the order of lines finds the hour of every line without a flag', () => {
  let silent = 0;
  for (const { account, files } of drops) {
    const october = files[2]?.read.lines ?? [];
    const startOf = new Map(
      list
        .find((one) => one.account === account)
        ?.files.lines.flat()
        .map((line) => [line.id, line.startS]),
    );
    for (const onlySilent of [false, true]) {
      let latest = '';
      let secondPass = false;
      for (const line of october.filter((one) => at(one, 54, 63) === '2026102502' && /^[123]0/.test(one))) {
        const flag = at(line, 68);
        if (onlySilent && flag !== ' ') continue;
        const local = at(line, 54, 67);
        if (local < latest) secondPass = true;
        latest = local > latest ? local : latest;
        const offset = secondPass ? '+01:00' : '+02:00';
        const instant = Temporal.Instant.from(
          `${local.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6')}${offset}`,
        );
        assert.equal(instant.epochMilliseconds / 1000, startOf.get(at(line, 3, 14)), line);
        if (flag === ' ') silent++;
      }
    }
  }
  assert.ok(silent >= 8, String(silent));
});
