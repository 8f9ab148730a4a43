import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const repository = join(import.meta.dirname, '..', '..');

/** Runs the real check on a tree of these files. */
function check(files: Readonly<Record<string, string>>): { code: number | null; output: string } {
  const root = mkdtempSync(join(tmpdir(), 'lk-check-'));
  try {
    for (const name of ['tsconfig.json', 'biome.json', '.oxlintrc.json', 'package.json']) {
      copyFileSync(join(repository, name), join(root, name));
    }
    symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    const run = spawnSync(process.execPath, [join(repository, 'scripts', 'check.ts'), '--root', root], {
      encoding: 'utf8',
    });
    return { code: run.status, output: run.stdout + run.stderr };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const lines = (count: number) => Array.from({ length: count }, (_, i) => `export const n${i} = ${i};\n`).join('');

test('a clean tree passes, with a code file, a test and a data file at their limits', () => {
  const { code, output } = check({
    'src/long.ts': lines(300),
    'test/long.test.ts': lines(400),
    'src/telecom/data/prefixes.ts': lines(500),
  });
  assert.equal(code, 0, output);
});

test('reports the problems of all checks together and exits 1', () => {
  const { code, output } = check({
    'src/a.ts': "import { b } from '../actors/b.ts';\nexport const a: string = b;\n",
    'actors/b.ts': 'export const b = 1;\n',
    'src/floating.ts': 'export async function f() {}\nexport function g() {\n  f();\n}\n',
    'src/format.ts': 'export const   x  =  "y"\n',
    'src/long.ts': lines(301),
    'test/long.test.ts': lines(401),
    'src/string-utils.ts': 'export const x = 1;\n',
  });
  assert.equal(code, 1, output);
  assert.match(output, /src\/a\.ts imports actors\/b\.ts/);
  assert.match(output, /src\/a\.ts\(2,14\): error TS2322/);
  assert.match(output, /no-floating-promises/);
  assert.match(output, /src\/format\.ts format/);
  assert.match(output, /src\/long\.ts has 301 lines; at most 300/);
  assert.match(output, /test\/long\.test\.ts has 401 lines; at most 400/);
  assert.match(output, /src\/string-utils\.ts: "utils" says nothing/);
  assert.equal(output.match(/^FAILED/gm)?.length, 6, output);
});
