/** The kernel and the imports' decoder read the same records out of the same bytes, however broken these are. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fusedPass } from '../../src/kernel/fused-pass.ts';
import type { KernelArgs } from '../../src/kernel/messages.ts';
import { priceTables } from '../../src/kernel/rating/price-list.ts';
import { runKernelTask } from '../../src/kernel/run-kernel-task.ts';
import type { RunKernelTask } from '../../src/kernel/side-by-side.ts';
import { parseLayoutDocument } from '../../src/preview/layout-document.ts';
import type { LayoutSource } from '../../src/providers/spec/layout-spec.ts';
import { header, layout, provider, usageRows } from '../preview/usage-world.ts';
import { decodeBytes } from '../providers/decode/pass-in-test.ts';
import { list, seeded } from './small-csv.ts';

const directory = mkdtempSync(join(tmpdir(), 'lk-rows-'));
after(() => rmSync(directory, { recursive: true }));
const rating = { by: 'prices', tables: priceTables(list, [60, 60, 60, 1, 1], { unitE8: 1, mode: 'up' }) } as const;
const run = ((args: KernelArgs) => runKernelTask(args, { throwIfAborted() {}, progress() {} })) as RunKernelTask;
const spec = { ...provider.layout, files: { ...provider.layout.files, lineErrors: { share: 1, below: 10_000 } } };

function broken(seed: number): string {
  const random = seeded(seed);
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)]!;
  const pieces = ['"', '"', '""', ';', '\n', '\r\n', 'text', ' ', '";"', '"\n', '\n"', '\n\n', '1;2;3'];
  const rows = usageRows(seed, 120).map((row) => {
    if (random() < 0.5) return row;
    const at = Math.floor(random() * row.length);
    if (random() < 0.3) return `${row.slice(0, at)}${pick(pieces)}${row.slice(at)}`;
    const junk = Array.from({ length: Math.floor(random() * 6) }, () => pick(pieces)).join('');
    return row.replace(/plain\n|"quoted.*\nlines"\n/, `${junk}\n`);
  });
  return header + rows.join('');
}

test('both find the same wrong records and count the same right ones in broken files', async () => {
  let wrong = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const text = broken(seed);
    const imported = decodeBytes(spec as LayoutSource, Buffer.from(text), 100 + seed * 7, { account: '101' });
    assert.ok(imported.ok, imported.ok ? '' : imported.problem.message);
    const path = join(directory, 'usage.csv');
    writeFileSync(path, text);
    const means = { path, layout: parseLayoutDocument(layout), rating, run, threads: 2, scratch: directory };
    const { signal } = new AbortController();
    const pass = await fusedPass({ ...means, signal, rangeBytes: 1_500 });
    const found = pass.faults.filter(({ code }) => code !== 'conflicting-duplicate');
    const quarantined = imported.file.quarantined.map(({ offset }) => offset);
    // an id that is no number is one for an import
    const faults = found.flatMap(({ offset, field }) =>
      field !== 'key' || quarantined.includes(offset) ? [offset] : [],
    );
    assert.deepEqual(faults, quarantined, `seed ${seed}`);
    assert.equal(pass.records + found.length - faults.length, imported.rows.length, `seed ${seed}`);
    wrong += faults.length;
  }
  assert.ok(wrong > 500, `only ${wrong} wrong records`);
});
