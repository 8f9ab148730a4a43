import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { importProblems, importsOf } from '../../scripts/check-imports.ts';

function problemsOf(file: string, source: string): string[] {
  const root = mkdtempSync(join(tmpdir(), 'lk-imports-'));
  try {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), source);
    return importProblems(root, [file]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const refused: readonly [string, string, string][] = [
  ['src never imports actors', 'src/chains/engine.ts', '../../actors/engine.ts'],
  ['src/admin imports no actor', 'src/admin/server.ts', '../../actors/router.ts'],
  ['src/web imports no actor', 'src/web/server.ts', '../../actors/router.ts'],
  ['src never imports src/cli', 'src/log/log.ts', '../cli/main.ts'],
  ['src never imports src/main', 'src/log/log.ts', '../main.ts'],
  ['actors never import src/main', 'actors/root.ts', '../src/main.ts'],
  ['actors never import src/cli', 'actors/root.ts', '../src/cli/start.ts'],
  ['supervisors import nothing of ours', 'supervisors/tree.ts', '../src/log/log.ts'],
  ['supervisors do not import otel', 'supervisors/tree.ts', '../otel/sdk.ts'],
  ['otel imports nothing of ours', 'otel/sdk.ts', '../supervisors/types.ts'],
  ['the simulator imports nothing of src', 'simulator/main.ts', '../src/telecom/record.ts'],
  ['the simulator imports no supervisor', 'simulator/main.ts', '../supervisors/types.ts'],
  ['src never imports the simulator', 'src/telecom/rate.ts', '../../simulator/evaluate.ts'],
  ['src/cli never imports the simulator', 'src/cli/demo.ts', '../../simulator/main.ts'],
  ['scripts never import the simulator', 'scripts/check.ts', '../simulator/main.ts'],
  ['src never imports a test', 'src/database/pool.ts', '../../test/support/database.ts'],
  ['src never imports a script', 'src/database/pool.ts', '../../scripts/check.ts'],
  ['only the mailbox imports nact', 'supervisors/tree.ts', 'nact'],
  ['not even a test imports nact', 'test/supervisors/tree.test.ts', 'nact'],
  ['only src/database imports pg', 'src/chains/engine.ts', 'pg'],
  ['only src/database imports pg-copy-streams', 'actors/importer.ts', 'pg-copy-streams'],
  ['only src/database imports node-pg-migrate', 'src/main.ts', 'node-pg-migrate/dist/runner.js'],
  ['nothing leaves the repository', 'src/main.ts', '../../elsewhere/x.ts'],
  ['nobody goes round by the package name', 'src/log/log.ts', 'linekeeper/supervisors'],
];
for (const [name, file, specifier] of refused) {
  test(name, () => {
    const problems = problemsOf(file, `import type { X } from '${specifier}';\nexport type Y = X;\n`);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.ok(problems[0]!.startsWith(file), problems.join());
  });
}

const accepted: readonly [string, string][] = [
  ['src/main.ts', '../actors/root.ts'],
  ['src/cli/start.ts', '../main.ts'],
  ['src/cli/rate.ts', '../telecom/rate-records.ts'],
  ['actors/engine.ts', '../src/chains/engine.ts'],
  ['actors/engine.ts', '../supervisors/types.ts'],
  ['src/chains/engine.ts', '../database/session.ts'],
  ['src/chains/engine.ts', '../../otel/names.ts'],
  ['src/database/pool.ts', 'pg'],
  ['supervisors/mailbox.ts', 'nact'],
  ['simulator/main.ts', './drops.ts'],
  ['test/system/demo.test.ts', '../../simulator/main.ts'],
  ['test/support/database.ts', 'pg'],
  ['bench/peers.ts', 'pg'],
  ['bench/tell.ts', 'nact'],
  ['src/log/log.ts', 'node:fs'],
];
for (const [file, specifier] of accepted) {
  test(`${file} may import ${specifier}`, () => {
    assert.deepEqual(problemsOf(file, `import x from '${specifier}';\nexport const y = x;\n`), []);
  });
}

test('sees every form of import and none that stands in a comment', () => {
  const source = `
import a, { type B } from './a.ts';
import {
  c,
} from './c.ts';
import './d.ts';
import type { E } from "./e.ts";
export { f } from './f.ts';
export * from './g.ts';
const h = await import('./h.ts');
const i = require('./i.cjs');
// import x from './no.ts'
/* import y from './no.ts' */
const text = 'the rows came from the import';
`;
  assert.deepEqual(importsOf(source), [
    './a.ts',
    './c.ts',
    './d.ts',
    './e.ts',
    './f.ts',
    './g.ts',
    './h.ts',
    './i.cjs',
  ]);
});
