import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const names = /kpn|sp16|grip|vodafone|t[-_]?mobile|calvi|yielder|routit|\been\b/i;

test('no provider is named in the decoder or in the specs that it is made from', () => {
  for (const room of ['decode', 'spec']) {
    const folder = join(import.meta.dirname, '../../../src/providers', room);
    const files = readdirSync(folder);
    assert.ok(files.length > 4, `${files.length} files in ${folder}`);
    for (const file of files) {
      const [found] = names.exec(readFileSync(join(folder, file), 'utf8')) ?? [];
      assert.equal(found, undefined, `${room}/${file} names ${found}`);
    }
  }
});
