/**
 * Decodes an archived file into a spool of COPY rows (`cdrSpoolColumns`). The spool stays only when the whole file was
 * verified; a refused file is an answer (`ok: false`), not an error.
 */
import { CopySink } from '../../providers/decode/copy-sink.ts';
import { decodeFile } from '../../providers/decode/decode-file.ts';
import { DialledNumbers } from '../../providers/decode/dialled-numbers.ts';
import type { RecordSink } from '../../providers/decode/record.ts';
import type { TaskControl } from '../task-control.ts';
import type { DecodeArgs, DecodeResult } from './messages.ts';

/**
 * Of this thread: an API's window comes as a file for each page, and what one page taught of numbers (their masks, their HMACs)
 * serves the next; learning it anew took a third of a page's time.
 */
let learnt: DialledNumbers | null = null;

function dialledFor({ numberMask, hashKey }: DecodeArgs): DialledNumbers {
  if (!learnt?.serves(numberMask, hashKey)) learnt = new DialledNumbers(numberMask, hashKey);
  return learnt;
}

/** `through` may stand between the decoder and the spool. */
export async function decode(
  args: DecodeArgs,
  control: TaskControl,
  through: (spool: RecordSink) => RecordSink = (spool) => spool,
): Promise<DecodeResult> {
  const spool = new CopySink(args.spoolPath, args.cycleDay);
  const outcome = await decodeFile({ ...args, dialled: dialledFor(args) }, through(spool), control);
  if (!outcome.ok) return outcome;
  if (args.only) spool.discard();
  const { header, ...file } = outcome.file;
  return { ok: true, ...header, ...file, cycles: spool.cycles };
}
