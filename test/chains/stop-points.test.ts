import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stopPointsFromEnvironment } from '../../src/chains/stop-points.ts';

test('a stop point is reached at its nth time in its step only, says so in the file, and kills', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lk-stop-'));
  const file = join(directory, 'log');
  let kills = 0;
  const env = { LINEKEEPER_STOP_POINT: 'before-commit:import:2', LINEKEEPER_STOP_POINT_LOG: file };
  const points = stopPointsFromEnvironment(env, () => {
    kills += 1;
  });
  void points.reach('before-commit', '1', 'fetch');
  void points.reach('after-commit', '1', 'import');
  void points.reach('before-commit', '1', 'import');
  assert.equal(kills, 0);
  void points.reach('before-commit', '2', 'import');
  void points.reach('before-commit', '3', 'import');
  assert.equal(kills, 1);
  assert.equal(readFileSync(file, 'utf8'), 'before-commit 2 import\n');
  rmSync(directory, { recursive: true });
});

test('an unknown stop point is refused with the known ones, and none is the default', () => {
  assert.throws(
    () => stopPointsFromEnvironment({ LINEKEEPER_STOP_POINT: 'midway' }),
    /names midway; it must be one of after-claim/,
  );
  assert.equal(stopPointsFromEnvironment({}).reach('after-claim', '1', 'x'), undefined);
});
