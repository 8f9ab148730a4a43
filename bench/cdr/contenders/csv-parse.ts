/** csv-parse as a stream with its plainest options, and a Map. One thread. */
import { createReadStream } from 'node:fs';
import type { Transform } from 'node:stream';
import { loadPeer } from '../../peer-packages.ts';
import type { Contender, ContenderOptions } from '../contender.ts';
import { PlainPass } from './plain-pass.ts';

interface CsvParse {
  parse(options: object): Transform;
}

export async function open({ path }: ContenderOptions): Promise<Contender> {
  const { parse } = await loadPeer<CsvParse>('csv-parse');
  return {
    async run() {
      const pass = new PlainPass();
      const parser = parse({ from_line: 2, relax_column_count: true });
      createReadStream(path, { highWaterMark: 1024 * 1024 }).pipe(parser);
      parser.on('readable', () => {
        for (let fields = parser.read(); fields !== null; fields = parser.read()) pass.take(fields as string[]);
      });
      await new Promise((resolve, reject) => parser.on('end', resolve).on('error', reject));
      return pass.totals();
    },
    async close() {},
  };
}
