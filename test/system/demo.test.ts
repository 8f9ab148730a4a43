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
    readonly provider: string;
    readonly customer: string;
    readonly records: string;
    readonly differences: string[];
  }[];
}

test('the demo publishes totals of all three providers that equal the truth, and a second run imports nothing new', async () => {
  const first = await demo();
  assert.deepEqual([first.code, first.report.equal], [0, true], first.messages);
  assert.deepEqual(Map.groupBy(first.report.comparisons, ({ provider }) => provider).size, 3);
  assert.equal(first.report.comparisons.length, 18);
  assert.ok(first.report.imported.records >= 8_850, `${first.report.imported.records} records were imported`);

  const second = await demo();
  // an API is asked again for its last days, and once for the windows of a kind that nobody knows: four pages for each of the two
  // accounts, in which nothing is new
  assert.equal(second.report.imported.files, 8);
  assert.deepEqual([second.code, second.report.equal], [0, true], second.messages);
  assert.deepEqual(second.report.comparisons, first.report.comparisons);
});

function demo(): Promise<{ code: number; report: Report; messages: string }> {
  return new Promise((resolve, reject) => {
    const args = ['demo', '--json', '--records', '3000', '--subs', '12'];
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
