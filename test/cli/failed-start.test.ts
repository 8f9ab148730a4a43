import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openTerminal } from './terminal.ts';

const terminal = await openTerminal();
after(() => terminal.close());

test('a start whose configuration cannot be read says which file to a person too, and is exit 70', async () => {
  const { code, out, err } = await terminal.run(['start', '--config', '/nowhere/linekeeper.json']);
  assert.equal(code, 70);
  assert.match(
    err,
    /^linekeeper: the service did not start: .*: \/nowhere\/linekeeper\.json cannot be read \(ENOENT\)\n$/,
  );
  assert.equal(JSON.parse(out).level, 'fatal');
});
