/**
 * A node that only fires schedules: three looks at once, again and again, beside other writes, until standard input ends.
 * Prints how far its clock is from the database's first, and what it fired at the end.
 */

import { z } from 'zod';
import { chain, succeeded } from '../../src/chains/define.ts';
import { createEnqueue } from '../../src/chains/enqueue.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { readClock } from '../../src/node/clock-offset.ts';
import { fireDue } from '../../src/schedule/fire.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import { tick } from './harness.ts';

const database = openDatabase(process.argv[2]!, { applicationName: 'firing node', max: 6 });
const load = chain('load', z.strictObject({})).step('only', async () => succeeded());
const signals = inProcessSignals((error) => {
  throw error as Error;
});
const enqueue = createEnqueue({ registry: createRegistry([tick, load]), signals });
let stopped = false;
process.stdin.on('end', () => {
  stopped = true;
});
process.stdin.resume();

process.stdout.write(`${(await readClock(database, () => Date.now()))?.offsetMs}\n`);
const errors: string[] = [];
let fired = 0;
async function look(): Promise<void> {
  while (!stopped) {
    const result = await fireDue(database, { enqueue });
    fired += result.slots.length;
    errors.push(...result.errors.map(({ error }) => String(error)));
  }
}
async function write(): Promise<void> {
  while (!stopped) await enqueue(database, load, {});
}
await Promise.all([look(), look(), look(), write()]);
await database.close();
process.stdout.write(`${JSON.stringify({ fired, errors })}\n`);
