/** A file that its provider does not deliver, brought by a person, on the real service: the same totals as if it had come. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ImportStartedView } from '../../src/admin/views.ts';
import { call, until } from '../support/service.ts';
import { type FaultyWorld, openFaultyWorld } from './faulty-world.ts';

const months = ['2026-03', '2026-04'];
const april = '2026-04';
let world: FaultyWorld;
before(async () => {
  const plan = [{ customer: 'C001', month: april, fault: 'F04', arg: 'no-marker' }];
  world = await openFaultyWorld({ customers: 2, months, recordsPerFile: 400, plan });
  await world.sync(['C001']);
});
after(() => world.close());

const ask = (from: string, more: object = {}) =>
  call<ImportStartedView>(world.service.socket, 'POST', '/imports', { customer: 'C001', from, ...more });

async function imported(started: ImportStartedView): Promise<void> {
  await until('the import to end', async () => {
    const [task] = await world.database.query('select status from sync_task where id = $1', [started.task!.id]);
    return task!.status !== 'open';
  });
  assert.deepEqual(await world.database.query(`select state::text from chain where id = $1`, [started.task!.chainId]), [
    { state: 'succeeded' },
  ]);
}

test('a file by its path, then nothing twice, then once more by its sha256', async () => {
  assert.notDeepEqual(await world.differences('C001', [`${april}-01`]), []);
  const first = await ask(world.good('C001', april));
  await imported(first);
  assert.deepEqual(await world.differences('C001', ['2026-03-01', `${april}-01`]), []);

  const second = await ask(world.good('C001', april));
  assert.deepEqual([second.state, second.task, second.sha256], ['duplicate', null, first.sha256]);
  await imported(await ask(first.sha256, { again: true }));
  assert.deepEqual(await world.differences('C001', ['2026-03-01', `${april}-01`]), []);
  const states = (await world.files('C001')).map(({ state }) => state);
  assert.deepEqual(states, ['imported', 'imported']);
});

test('what is not this provider’s or this account’s is refused, and nothing of it is kept', async () => {
  const strange = join(world.directory, 'notes.txt');
  copyFileSync(world.good('C001', april), strange);
  await assert.rejects(ask(strange), /422.*notes.txt is not named as KPN_SP16 names its files: SP16X_/);
  await assert.rejects(
    ask(world.good('C002', april)),
    /422.*is of another account than 0000000101; nothing was imported/,
  );
  await assert.rejects(ask(join(world.directory, 'none.dat.gz')), /404.*cannot be read by the service \(ENOENT\)/);
  await assert.rejects(ask('ab'.repeat(32)), /404.*the archive has no file/);
  await assert.rejects(ask(strange, { profile: 'other' }), /404.*no profile named other/);
  assert.equal((await world.files('C001')).length, 2);
  const isArchived = (path: string) => {
    const sha256 = hash('sha256', readFileSync(path));
    return existsSync(join(dirname(world.service.socket), 'archive', sha256.slice(0, 2), sha256));
  };
  assert.deepEqual([isArchived(world.good('C001', april)), isArchived(world.good('C002', april))], [true, false]);
});

test('a refused file is not tried again when a later version of it was imported', async () => {
  const [file] = await world.database.query(
    `update raw_file set state = 'quarantined' where name like '%202604%' and contract_id = (select id from contract where account_no = '0000000101')
     returning id, contract_id, encode(sha256, 'hex') as sha256`,
  );
  await world.database.query(
    `insert into raw_file (contract_id, profile_id, version, name, sha256, bytes, logical_key, seq, state)
     select contract_id, profile_id, version + 1, name, sha256('later'), 5, logical_key, seq, 'imported' from raw_file where id = $1`,
    [file!.id],
  );
  await assert.rejects(ask(file!.sha256, { again: true }), /409.*a later delivery took the place of/);
  await world.database.query(`delete from raw_file where sha256 = sha256('later')`);
  await world.database.query(`update raw_file set state = 'imported' where id = $1`, [file!.id]);
});

test('bytes that were purged are not decoded again by their sha256, but by their path, and are purged again after that', async () => {
  const [{ sha256 }] = (
    await world.database.query(
      `update raw_file f set purged_at = '2026-09-01' from contract k where k.id = f.contract_id and k.account_no = '0000000101'
     returning encode(f.sha256, 'hex') as sha256, f.name like '%202604%' as april`,
    )
  ).filter(({ april: isApril }) => isApril) as [{ sha256: string }];
  await assert.rejects(ask(sha256, { again: true }), /404.*were removed from the archive at 2026-09-01.*give its path/);
  await imported(await ask(world.good('C001', april), { again: true }));
  const [file] = await world.database.query(
    `select state, purged_at from raw_file where sha256 = decode($1, 'hex') and state <> 'duplicate'`,
    [sha256],
  );
  assert.deepEqual(file, { state: 'imported', purged_at: null });
});
