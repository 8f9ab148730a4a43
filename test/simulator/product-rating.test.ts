/**
 * The product's rater beside the simulator's evaluator on whole simulated worlds, record by record: allowances shared and per
 * subscription, fair use, minimum, cap and zones by date are all in their tariffs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundles } from '../../simulator/evaluator/allowances.ts';
import { rate } from '../../simulator/evaluator/rate.ts';
import { activeRecords, holdingsOf, rateableOf } from '../../simulator/truth.ts';
import { createWorld, filesOf, ratingOf } from '../../simulator/world.ts';
import { createAllowanceBook } from '../../src/telecom/allowance-book.ts';
import { allowanceOf, allowanceSchema } from '../../src/telecom/allowance-document.ts';
import { compileTariff } from '../../src/telecom/compile-tariff.ts';
import { openLocalTime } from '../../src/telecom/local-time.ts';
import { createRater } from '../../src/telecom/rating.ts';
import { parseTariffDocument, tariffVersions } from '../../src/telecom/tariff-document.ts';
import { parseZoneSets, zoneNames, zoneSets } from '../../src/telecom/zone-document.ts';
import { months } from './small-world.ts';

const localTime = openLocalTime('Europe/Amsterdam');
const drawn = Math.trunc(Math.random() * 1_000_000);

const seen = { covered: 0, partly: 0, minimum: 0, cap: 0, findings: 0, fairUse: 0 };

for (const seed of [7, 11, drawn]) {
  test(`every record of world ${seed} costs what the evaluator says, and takes as much from allowances`, () => {
    const world = createWorld({ seed, customers: 2, subs: 20, months, records: 6000, faults: [] });
    const rating = ratingOf(world);
    const sets = zoneSets(parseZoneSets(world.zoneSets[0], 'zones'), localTime);
    const options = { numberMask: 4, knownTariffs: null, providerZones: zoneNames(sets) };
    const rows = new Map(
      world.tariffs.map((form) => {
        const versions = tariffVersions(parseTariffDocument(form, form.tariff, options), localTime);
        return [form.tariff, versions.map(({ document }, i) => ({ id: `${i}`, document }))];
      }),
    );
    for (const account of world.accounts) {
      const compiled = compileTariff(
        {
          code: account.tariff,
          versions: rows.get(account.tariff)!,
          fallbacks: { 'kpn-wereld': rows.get('kpn-wereld')! },
          zoneSets: { [account.tariff]: sets, 'kpn-wereld': sets },
        },
        'Europe/Amsterdam',
      );
      const own = holdingsOf(account);
      const allowances = own.map(({ form, msisdn }, i) => allowanceOf(allowanceSchema.parse(form), String(i), msisdn));
      const records = activeRecords(filesOf(world, account).lines.flat());
      for (const month of months) {
        const mine = records.filter((record) => world.calendar.monthOf(record.startS) === month);
        const key = ({ id, originalId }: { id: string; originalId: string }) => originalId || id;
        mine.sort((a, b) => a.startS - b.startS || (key(a) < key(b) ? -1 : 1));
        const theirs = bundles(own, `${month}-01`);
        const book = createAllowanceBook(allowances, `${month}-01`, localTime);
        const rater = createRater(compiled, book);
        for (const record of mine) {
          const rateable = rateableOf(record);
          const expected = rate(rating, account.tariff, rateable, theirs);
          const { number, startS, providerAmountE8, ...rest } = rateable;
          const prefix = number.length > 6 ? number.slice(0, -4) : number;
          const input = { ...rest, prefix, startMs: startS * 1000, providerAmountE8: Number(providerAmountE8) };
          const rated = rater.rate(input, record.msisdn);
          const { status, reason, amountE8, coveredUsage, limit, finding } = rated;
          const ours = status === 'rated' ? [BigInt(amountE8), coveredUsage] : reason;
          assert.deepEqual(
            ours,
            expected.status === 'rated' ? [expected.amountE8, expected.covered] : expected.reason,
            record.id,
          );
          if (coveredUsage > 0) seen[coveredUsage === rated.billedUsage ? 'covered' : 'partly'] += 1;
          if (limit !== null) seen[limit] += 1;
          if (finding !== null) seen.findings += 1;
        }
        seen.fairUse += book.states().filter((state) => state.fairUseLimit === state.fairUseUsed).length;
      }
    }
  });
}

test('each of these has mattered, or the comparison would say nothing about it', () => {
  assert.ok(
    Object.values(seen).every((count) => count > 0),
    JSON.stringify(seen),
  );
});
