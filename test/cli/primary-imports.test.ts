/** The primary of several node processes loads nothing of the domain: what breaks a node must not break it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** Every file of ours that is loaded with this one; what is imported for its types only is not loaded. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(file, 'utf8');
  const imports = [...text.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+'(\.[^']+)'/gms)];
  const late = [...text.matchAll(/import\('(\.[^']+)'\)(?!\.)/g)].filter(() => !file.includes('/src/cli/'));
  for (const [, target] of [...imports, ...late]) loadedWith(join(dirname(file), target!), found);
  return found;
}

test('the primary loads no chains, no telecom, no providers, no totals', () => {
  const loaded = [...loadedWith(join(root, 'src/primary.ts'))].map((file) => relative(root, file));
  const domain = [
    'chains',
    'providers',
    'telecom',
    'totals',
    'compute',
    'customers',
    'archive',
    'schedule',
    'services',
  ];
  const wrong = loaded.filter((file) => domain.some((room) => file.startsWith(`src/${room}/`)));
  assert.deepEqual(wrong, []);
  // it does find what is there
  const node = [...loadedWith(join(root, 'src/main.ts'))].map((file) => relative(root, file));
  assert.ok(
    node.some((file) => file.startsWith('src/chains/')) && node.some((file) => file.startsWith('src/telecom/')),
  );
});
