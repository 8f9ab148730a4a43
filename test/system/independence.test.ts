/**
 * The truth proves something only as long as the simulator is a second reading of the specification: it and the product share
 * no file, no package, no helper and no copied code. What both say is said twice.
 */
import assert from 'node:assert/strict';
import { lstatSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { importsOf } from '../../scripts/check-imports.ts';
import { sourceFiles } from '../../scripts/source-files.ts';

const root = join(import.meta.dirname, '..', '..');
const files = sourceFiles(root).filter((file) => file.endsWith('.ts') || file.startsWith('bin/'));
const simulator = files.filter((file) => file.startsWith('simulator/'));
const product = files.filter((file) => /^(bin|src|actors|supervisors|otel)\//.test(file));
const text = (file: string) => readFileSync(join(root, file), 'utf8');
/** Shorter lines are alike by chance: `return null;`, `import { join } from 'node:path';`. */
const copiedFrom = 40;

/**
 * Names and codes of the documents that both read, and calls of Node. Each stands alone: no neighbour of such a line is alike.
 * A new entry needs as good a reason.
 */
const alike = [
  [
    'simulator/evaluator/rate.ts',
    'src/telecom/rating.ts',
    "if (kind === 'recurring' || kind === 'oneoff' || kind === 'credit') {",
  ],
  ['simulator/output.ts', 'src/alerts/spool.ts', 'mkdirSync(dirname(path), { recursive: true });'],
  ['simulator/sp16-file.ts', 'src/providers/decode/trailer.ts', "return (crc >>> 0).toString(16).padStart(8, '0');"],
  ['simulator/tariff-form.ts', 'src/telecom/money.ts', "export type RoundingMode = 'half-away' | 'up';"],
];

/** Every file that `from` reaches by imports, `from` included, and every package that these import. */
function reach(from: readonly string[]): { files: Set<string>; packages: Set<string> } {
  const found = { files: new Set<string>(from), packages: new Set<string>() };
  for (const file of found.files) {
    for (const specifier of importsOf(text(file))) {
      if (specifier.startsWith('.')) found.files.add(posix.join(posix.dirname(file), specifier));
      else if (!specifier.startsWith('node:')) found.packages.add(specifier);
    }
  }
  return found;
}

/** The lines of code of a file that are long enough to have been copied; white space and comments do not count. */
function longLines(file: string): string[] {
  const code = text(file).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, '');
  const lines = code.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  return lines.filter((line) => line.length >= copiedFrom && !/^(import|export) .* from 'node:/.test(line));
}

test('both trees are seen', () => {
  assert.ok(simulator.includes('simulator/main.ts') && simulator.length > 20, `${simulator.length}`);
  assert.ok(product.includes('src/telecom/rating.ts') && product.length > 100, `${product.length}`);
  assert.ok(reach(['src/main.ts']).files.has('src/telecom/money.ts'), 'imports are followed to their end');
  assert.ok(simulator.flatMap(longLines).length > 500);
});

test('the simulator reaches nothing of the product, and the product nothing of the simulator', () => {
  const outside = [...reach(simulator).files].filter((file) => !file.startsWith('simulator/'));
  assert.deepEqual(outside, []);
  const inside = [...reach(product).files].filter((file) => file.startsWith('simulator/'));
  assert.deepEqual(inside, []);
});

test('the simulator calculates with no package: it has one, for its SFTP server', () => {
  assert.deepEqual([...reach(simulator).packages], ['ssh2']);
});

test('no file of one is a link into the other, and neither reads files of the other', () => {
  for (const file of [...simulator, ...product]) assert.ok(!lstatSync(join(root, file)).isSymbolicLink(), file);
  // the demo starts the simulator's entry as a process: the one path of the product that leads there
  const naming = (list: readonly string[], name: RegExp) =>
    list.filter((file) => literalsOf(file).some((p) => name.test(p)));
  assert.deepEqual(naming(simulator, /(^|\/)(src|actors|supervisors|otel)\//), []);
  assert.deepEqual(naming(product, /(^|\/)simulator\//), ['src/cli/demo/processes.ts']);
});

test('no line of code stands in both, but for four that can hardly be written otherwise', () => {
  const ours = new Map(product.flatMap((file) => longLines(file).map((line) => [line, file] as const)));
  const shared = simulator.flatMap((file) =>
    longLines(file).flatMap((line) => (ours.has(line) ? [[file, ours.get(line), line]] : [])),
  );
  assert.deepEqual(shared, alike);
});

/** String literals of a file, its import specifiers left out. */
function literalsOf(file: string): string[] {
  const imported = new Set(importsOf(text(file)));
  const literals = [...text(file).matchAll(/(['"`])([^'"`\n]+)\1/g)].map((match) => match[2]!);
  return literals.filter((literal) => !imported.has(literal));
}
