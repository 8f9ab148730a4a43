import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createPrefixTrie } from '../../src/telecom/prefix-trie.ts';

const digits = fc.string({ unit: fc.constantFrom('0', '1', '2', '9'), maxLength: 8 });

it('a prefix trie finds the longest string that the digits begin with, then each shorter one', () => {
  fc.assert(
    fc.property(fc.array(digits, { maxLength: 30 }), digits, (strings, wanted) => {
      const trie = createPrefixTrie(strings);
      const matching = [...new Set(['', ...strings])].filter((text) => wanted.startsWith(text));
      const expected = matching.sort((a, b) => b.length - a.length).map((text) => trie.numberOf(text));
      const found: number[] = [];
      for (let n = trie.longest(wanted); n !== -1; n = trie.shorter(n)) found.push(n);
      assert.deepEqual(found, expected);
      assert.ok(new Set(expected).size === expected.length && !expected.includes(-1));
    }),
    { numRuns: 1000 },
  );
});

it('a prefix trie stops at what is no digit', () => {
  const trie = createPrefixTrie(['31', '316']);
  assert.equal(trie.longest('31*6'), trie.numberOf('31'));
  assert.equal(trie.longest(''), 0);
  assert.equal(trie.numberOf('32'), -1);
});
