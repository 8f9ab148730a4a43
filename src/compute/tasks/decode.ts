/**
 * Decodes an archived file into a spool of COPY rows (`cdrSpoolColumns`). The spool stays only when the whole file was
 * verified; a refused file is an answer (`ok: false`), not an error.
 */
import { CopySink } from '../../providers/kpn-sp16/decode/copy-sink.ts';
import { decodeFile } from '../../providers/kpn-sp16/decode/decode-file.ts';
import type { TaskControl } from '../task-control.ts';
import type { DecodeArgs, DecodeResult } from './messages.ts';

export async function decode(args: DecodeArgs, control: TaskControl): Promise<DecodeResult> {
  const sink = new CopySink(args.spoolPath, args.cycleDay);
  const outcome = await decodeFile({ ...args, gzip: args.compression === 'gz' }, sink, control);
  if (!outcome.ok) return outcome;
  const { file } = outcome;
  return {
    ok: true,
    ...file.header,
    crc: file.trailer.crc,
    records: file.records,
    rows: file.rows,
    duplicates: file.duplicates,
    quarantined: file.quarantined,
    cycles: sink.cycles,
    unknownCallCodes: file.unknownCallCodes,
    notices: [],
    bytes: file.bytes,
  };
}
