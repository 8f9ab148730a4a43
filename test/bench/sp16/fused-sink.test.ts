import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FusedSink } from '../../../bench/sp16/fused-sink.ts';
import { benchFile } from '../../../bench/sp16/generate.ts';
import { benchTariff } from '../../../bench/sp16/tariff.ts';
import { rateCycle } from '../../../src/compute/tasks/rate-cycle.ts';
import { decodeFile } from '../../../src/providers/decode/decode-file.ts';
import { kpnSp16Layout } from '../../../src/providers/kpn-sp16/spec.ts';
import { compileTariff } from '../../../src/telecom/compile-tariff.ts';
import { decode, noControl, type SpoolRow } from '../../providers/kpn-sp16/decode-in-test.ts';

const timeZone = 'Europe/Amsterdam';

test('the fused pass and decode > spool > rate give the same amounts', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lk-fused-'));
  try {
    const file = benchFile(directory, 1, 1);
    const sink = new FusedSink(compileTariff(benchTariff, timeZone));
    const nowMs = Date.parse('2026-11-20T12:00:00Z');
    const options = {
      ...file,
      spec: kpnSp16Layout,
      compression: 'none' as const,
      timeZone,
      numberMask: 4,
      hashKey: null,
      nowMs,
    };
    const fused = await decodeFile(options, sink, noControl);
    assert.ok(fused.ok, fused.ok ? '' : fused.problem.message);
    const totals = sink.totals();

    const { rows, result } = await decode(readFileSync(file.path), { name: file.name });
    assert.ok(result.ok);
    assert.ok(result.duplicates > 0 && result.rows + result.duplicates === result.records);
    const recordsPath = join(directory, 'records');
    writeFileSync(recordsPath, rows.map(ratingRow).join(''));
    const rated = await rateCycle(
      {
        task: 'rate-cycle',
        recordsPath,
        ratedPath: join(directory, 'rated'),
        contractId: '1',
        cycleStart: '2026-03-01',
        ratingRunId: '1',
        timeZone,
        tariff: benchTariff,
      },
      noControl,
    );
    assert.ok(rated.rated > 4000 && rated.amountE8 > 0n);
    const sum = (column: 'records' | 'unrated' | 'amountE8') => totals.reduce((all, row) => all + row[column], 0n);
    assert.deepEqual(
      [sum('records'), sum('unrated'), sum('amountE8')],
      [BigInt(rated.records), BigInt(rated.unrated), rated.amountE8],
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function ratingRow(row: SpoolRow, index: number): string {
  const startMs = new Date(row.started_at).getTime();
  const fields = [index, row.msisdn, row.kind, row.category, row.b_prefix, row.visited, startMs];
  return `${[...fields, row.usage_s, row.usage_octets, row.usage_count, row.provider_amount_e8].join('\t')}\n`;
}
