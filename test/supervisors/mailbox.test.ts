import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openMailboxes } from '../../supervisors/mailbox.ts';
import { idle } from './recorder.ts';

const folder = new URL('../../supervisors/', import.meta.url);

function importsOf(file: string): string[] {
  return [...readFileSync(new URL(file, folder), 'utf8').matchAll(/ from '([^']+)'/g)].map((match) => match[1]!);
}

test('one file of the library imports nact, and none imports anything else from outside the folder', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  assert.ok(files.length > 10);
  assert.deepEqual(
    files.filter((file) => importsOf(file).includes('nact')),
    ['mailbox.ts'],
  );
  for (const file of files) {
    const outside = importsOf(file).filter((name) => !name.startsWith('./') && name !== 'nact');
    assert.deepEqual(outside, [], file);
  }
});

test('a turn that throws after all closes its mailbox and is told, not lost', async () => {
  const mailboxes = openMailboxes();
  const broken: Error[] = [];
  let turns = 0;
  const turn = () => {
    turns += 1;
    throw new Error('not total');
  };
  const mailbox = mailboxes.open('a.1', turn, (error) => void broken.push(error));
  mailbox.wake();
  await idle();
  mailbox.wake();
  await idle();
  mailbox.close();
  mailboxes.close();
  assert.deepEqual([turns, broken.map((error) => error.message)], [1, ['not total']]);
});

test('turns of one mailbox never overlap, and none begins after it is closed', async () => {
  const mailboxes = openMailboxes();
  const log: string[] = [];
  const turn = async () => {
    log.push('begin');
    await idle(2);
    log.push('end');
  };
  const mailbox = mailboxes.open('a.1', turn, assert.fail);
  for (let n = 0; n < 3; n += 1) mailbox.wake();
  await idle();
  assert.deepEqual(log, ['begin', 'end', 'begin', 'end', 'begin', 'end']);
  mailbox.wake();
  mailbox.close();
  mailbox.close();
  mailbox.wake();
  await idle();
  assert.equal(log.length, 6);
  mailboxes.close();
});
