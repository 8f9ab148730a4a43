/** The README's first command, small: simulator, service and comparison in an empty working directory, and once more. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'demo-'));
// the embedded server's user has to get through, also when root made it
chmodSync(directory, 0o711);
after(() => rmSync(directory, { recursive: true, force: true }));

interface Report {
  readonly equal: boolean;
  readonly imported: { readonly files: number; readonly records: number };
  readonly comparisons: readonly {
    readonly customer: string;
    readonly records: string;
    readonly differences: string[];
  }[];
}

test('the demo publishes totals that equal the truth, and a second run imports nothing', async () => {
  const first = await demo();
  assert.deepEqual([first.code, first.report.equal, first.report.imported.files], [0, true, 6], first.messages);
  assert.equal(first.report.comparisons.length, 6);
  assert.ok(first.report.imported.records >= 5_900, `${first.report.imported.records} records were imported`);

  const second = await demo();
  assert.deepEqual(second.report.imported, { files: 0, records: 0 });
  assert.deepEqual([second.code, second.report.equal], [0, true], second.messages);
  assert.deepEqual(second.report.comparisons, first.report.comparisons);
});

function demo(): Promise<{ code: number; report: Report; messages: string }> {
  return new Promise((resolve, reject) => {
    const args = ['demo', '--json', '--records', '6000', '--subs', '12'];
    execFile(join(root, 'bin/linekeeper'), args, { cwd: directory }, (error, out, messages) => {
      const code = error ? Number(error.code ?? 1) : 0;
      try {
        resolve({ code, report: JSON.parse(out) as Report, messages });
      } catch {
        reject(new Error(`the demo ended with ${code} and printed no JSON:\n${messages}`));
      }
    });
  });
}
