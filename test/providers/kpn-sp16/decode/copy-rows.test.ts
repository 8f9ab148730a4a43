import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { cdrSpoolColumns } from '../../../../src/telecom/cdr-columns.ts';
import { testDatabase } from '../../../support/database.ts';
import { decode } from '../decode-in-test.ts';
import { gzipped, line } from '../sp16-bytes.ts';

test('PostgreSQL takes the rows and reads in them what the file says', async () => {
  const { spool } = await decode(
    gzipped([
      line({ id: '1', start: '20260329023000' }),
      line({ id: '2', start: '20261025023000', dst: 'W', dialled: '112' }),
      line({ id: '3', type: '40', msisdn: '', correction: 'C', original: '2' }),
    ]),
  );
  const database = await testDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const columns = cdrSpoolColumns.map((column) => (column === 'correction' ? '"correction"' : column)).join(', ');
    await client.query(
      'create temporary table spool as select * from cdr left join (select null::bytea as original_key) o on true limit 0',
    );
    await pipeline(
      Readable.from([Buffer.from(spool, 'latin1')]),
      client.query(copyFrom(`copy spool (${columns}) from stdin`)),
    );
    const { rows } = await client.query(
      `select convert_from(record_key, 'latin1') as key, convert_from(original_key, 'latin1') as original, correction,
         extract(epoch from started_at)::bigint as start_s, local_start::text, shifted, length(b_hash) as hash_bytes,
         b_prefix, content_hash::text, cycle_start::text, msisdn, in_bundle, provider_amount_e8
       from spool order by line_no`,
    );
    const hashes = rows.map((row) => row.content_hash);
    assert.equal(new Set(hashes).size, 3);
    assert.deepEqual(
      rows.map(({ content_hash: _, ...row }) => Object.values(row)),
      [
        [
          '000000000001',
          null,
          ' ',
          epoch('2026-03-29T01:30:00Z'),
          '2026-03-29 02:30:00',
          true,
          32,
          '3168765',
          '2026-03-01',
          '31612345678',
          false,
          '12500000',
        ],
        [
          '000000000002',
          null,
          ' ',
          epoch('2026-10-25T01:30:00Z'),
          '2026-10-25 02:30:00',
          false,
          null,
          null,
          '2026-10-01',
          '31612345678',
          false,
          '12500000',
        ],
        [
          '000000000003',
          '2           ',
          'C',
          epoch('2026-02-28T23:00:00Z'),
          '2026-03-01 00:00:00',
          false,
          null,
          null,
          '2026-03-01',
          '',
          null,
          '12500000',
        ],
      ],
    );
  } finally {
    await client.end();
    await database.close();
  }
});

function epoch(text: string): string {
  return String(Date.parse(text) / 1000);
}
