/**
 * Whenever cycles are closed and reopened, and in whatever way records come late, change and go: a closed cycle keeps its
 * digest, all cycles together bill what an undisturbed contract bills, and when all are reopened their totals are its totals.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type BilledContract, type BillingWorld, billingWorld, type Call } from './billed-contract.ts';

let world: BillingWorld;
before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
});
after(() => world.close());

const cycles = ['2026-03-01', '2026-04-01', '2026-05-01'];
const rounds = 4;

function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A few lines about a few records, so that they meet: originals, corrections, cancellations, in any of the months. */
function someCalls(random: (below: number) => number, file: number): Call[] {
  return Array.from({ length: 1 + random(5) }, (_, line): Call => {
    const record = `r${random(12)}`;
    const call = { day: `2026-0${3 + random(3)}-1${random(10)}`, seconds: 1 + random(50) };
    const kind = random(6);
    if (kind > 1) return { id: record, ...call };
    return {
      id: `f${file}.${line}`,
      original: record,
      correction: kind === 0 ? 'C' : 'D',
      ...call,
    };
  }).filter((call, index, all) => call.original !== undefined || all.findIndex(({ id }) => id === call.id) === index);
}

const billed = async (contract: BilledContract) =>
  Object.values(await contract.totals()).reduce((sum, { amount }) => sum + amount, 0);

for (const seed of [7, randomInt(2 ** 31)]) {
  test(`closing and reopening lose and invent nothing (seed ${seed})`, async () => {
    const random = randomOf(seed);
    const [plain, disturbed] = [await world.contract(), await world.contract()];
    for (const { contractId } of [plain, disturbed]) {
      await world.database.query(
        'update contract set guard_amount_percent = 100, guard_records_percent = 100 where id = $1',
        [contractId],
      );
    }
    const files: Call[][] = [];
    const closed = new Map<string, string>();
    for (let round = 0; round < rounds; round += 1) {
      for (let delivery = 0; delivery < 3; delivery += 1) {
        // a new file, or one that comes again without its first lines and with others
        const again = files.length > 1 && random(2) === 0 ? random(files.length) : files.length;
        const fresh = someCalls(random, round * 3 + delivery);
        const kept = (files[again] ?? []).slice(2).filter(({ id }) => !fresh.some((call) => call.id === id));
        files[again] = [...kept, ...fresh];
        for (const contract of [plain, disturbed]) await contract.deliver(files[again], again + 1);
      }
      for (const contract of [plain, disturbed]) await contract.settle();
      const now = await disturbed.totals();
      for (const [cycle, digest] of closed)
        assert.equal(now[cycle]!.digest, digest, `round ${round}: ${cycle} changed`);
      assert.equal(await billed(disturbed), await billed(plain), `round ${round}: ${JSON.stringify(files)}`);
      const cycle = cycles[random(cycles.length)]!;
      if (closed.has(cycle)) {
        await disturbed.reopenCycle(cycle);
        closed.delete(cycle);
      } else if (now[cycle]) {
        await disturbed.closeCycle(cycle);
        closed.set(cycle, now[cycle].digest);
      }
    }
    for (const cycle of closed.keys()) await disturbed.reopenCycle(cycle);
    await disturbed.settle();
    const digests = async (contract: BilledContract) =>
      Object.entries(await contract.totals()).flatMap(([cycle, { records, digest }]) =>
        records > 0 ? [[cycle, digest]] : [],
      );
    assert.deepEqual(await digests(disturbed), await digests(plain));
  });
}
