/** papaparse over a stream, rows by `step`, and a Map. One thread. */
import { createReadStream } from 'node:fs';
import { loadPeer } from '../../peer-packages.ts';
import type { Contender, ContenderOptions } from '../contender.ts';
import { PlainPass } from './plain-pass.ts';

interface Papa {
  readonly default: { parse(input: NodeJS.ReadableStream, options: object): void };
}

export async function open({ path }: ContenderOptions): Promise<Contender> {
  const papa = (await loadPeer<Papa>('papaparse')).default;
  return {
    async run() {
      const pass = new PlainPass();
      let header = true;
      await new Promise((resolve, reject) => {
        papa.parse(createReadStream(path, { encoding: 'latin1', highWaterMark: 1024 * 1024 }), {
          delimiter: ',',
          newline: '\n',
          chunk: ({ data }: { data: string[][] }) => {
            for (const fields of data) {
              if (header) header = false;
              else pass.take(fields);
            }
          },
          complete: resolve,
          error: reject,
        });
      });
      return pass.totals();
    },
    async close() {},
  };
}
