/** A pool worker whose thread ends at a voice record of 666 seconds, and with `heavy` when it took more than so many records. */
import { decode } from '../../src/compute/tasks/decode.ts';
import type { DecodeArgs } from '../../src/compute/tasks/messages.ts';
import { threadEntry } from '../../src/compute/worker-entry.ts';

export const poisonSeconds = 666;
export const heavyName = 'SP16X_0000000101_202603_000777.dat.gz';

export default threadEntry((args: DecodeArgs, control) =>
  decode(args, control, (spool) => {
    let taken = 0;
    return {
      begin: () => spool.begin(),
      record(record) {
        taken += 1;
        if (record.usageS === poisonSeconds || (args.name === heavyName && taken > 100)) process.exit(1);
        spool.record(record);
      },
      end: () => spool.end(),
      discard: () => spool.discard(),
    };
  }),
);
