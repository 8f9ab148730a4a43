import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ArchiveError } from '../../src/archive/archive-error.ts';
import { loadConfig } from '../../src/config/load.ts';
import { StateDirectoryError } from '../../src/config/state-directory.ts';
import { createLog } from '../../src/log/log.ts';
import { isForAPerson } from '../../src/main.ts';
import { openResources } from '../../src/node/resources.ts';

const directory = mkdtempSync(join(tmpdir(), 'resources-'));
after(() => rmSync(directory, { recursive: true, force: true }));

test('the spool files of a killed process are gone, and alerts are kept where the configuration says', async () => {
  const file = join(directory, 'elsewhere.jsonl');
  const config = loadConfig({
    env: {},
    cwd: directory,
    overrides: { stateDirectory: join(directory, 'state'), alerts: { file } },
  });
  const left = join(join(config.stateDirectory, 'spool'), 'spool-1-1-abc');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'records.copy'), 'left behind');
  const resources = await openResources(config, {}, createLog({ level: 'silent' }));
  assert.equal(existsSync(left), false);
  resources.alerts.raise({ rule: 'test', subject: 'test', level: 'info', message: 'the database is not there' });
  await resources.close(2_000);
  assert.equal(existsSync(file), true);
});

test('a full disk or a missing mount ends the process with a code after which it is started again', () => {
  assert.equal(isForAPerson(new ArchiveError('disk-full', 'full')), false);
  assert.equal(isForAPerson(new ArchiveError('unavailable', 'not mounted')), false);
  assert.equal(isForAPerson(new ArchiveError('wrong-archive', 'another one')), true);
  const noSpace = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  assert.equal(isForAPerson(new StateDirectoryError('full', { cause: noSpace })), false);
  assert.equal(isForAPerson(new StateDirectoryError('not yours')), true);
});
