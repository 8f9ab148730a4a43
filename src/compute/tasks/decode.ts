/**
 * Decodes an archived file into a spool of COPY rows (`cdrSpoolColumns`). The spool stays only when the whole file was
 * verified; a refused file is an answer (`ok: false`), not an error.
 */
import { CopySink } from '../../providers/decode/copy-sink.ts';
import { decodeFile } from '../../providers/decode/decode-file.ts';
import type { TaskControl } from '../task-control.ts';
import type { DecodeArgs, DecodeResult } from './messages.ts';

export async function decode(args: DecodeArgs, control: TaskControl): Promise<DecodeResult> {
  const sink = new CopySink(args.spoolPath, args.cycleDay);
  const outcome = await decodeFile(args, sink, control);
  if (!outcome.ok) return outcome;
  const { header, ...file } = outcome.file;
  return { ok: true, ...header, ...file, cycles: sink.cycles };
}
