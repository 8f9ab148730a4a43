import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { InvalidDocumentError } from '../../src/telecom/document-problem.ts';
import { rateRecords } from '../../src/telecom/rate-records.ts';

const page = readFileSync(new URL('../../docs/tariff.md', import.meta.url), 'utf8');
const [tariff, zones, records, printed, withAllowance, printedWithAllowance] = [
  ...page.matchAll(/```json\n(.*?)```/gs),
].map((match) => JSON.parse(match[1]!));

function rate(recordsDocument: unknown, tariffs: unknown[] = [tariff]) {
  return rateRecords({
    tariffs: tariffs.map((document, i) => ({ name: `T${i}.json`, document })),
    records: { name: 'R.json', document: recordsDocument },
  });
}

function problemsOf(record: unknown): string[] {
  try {
    rate({ records: [record] });
  } catch (error) {
    assert.ok(error instanceof InvalidDocumentError);
    return error.problems.map(({ path, value, message }) => `${path}: ${value} ${message}`);
  }
  return [];
}

const call = { id: 'r1', kind: 'voice', to: '31612345678', start: '2026-03-02T12:00:00', usage: 10 };

describe('linekeeper rate', () => {
  it('prints what the documentation shows', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(rate(records))), printed);
  });

  it('shows what allowances covered, the earlier call first whatever the order of the document', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(rate(withAllowance))), printedWithAllowance);
    const { allowances } = withAllowance;
    const [nextCycle] = rate({ allowances, records: [{ ...withAllowance.records[0], start: '2026-04-01T12:00:00' }] });
    assert.equal(nextCycle!.amount, '0.0000');
  });

  it('takes zones by date for versions that have none of their own', () => {
    const roaming = { ...call, visited: '22801', kind: 'data', usage: 1024 };
    const records = ['2026-02-28T23:59:59', '2026-03-01T00:00:00'].map((start, i) => ({
      ...roaming,
      id: `${i}`,
      start,
    }));
    const { zones: _own, ...version } = tariff.versions[0];
    const document = { ...tariff, versions: [version] };
    const input = { tariffs: [{ name: 'T', document }], records: { name: 'R', document: { records } } };
    assert.throws(() => rateRecords(input), /zones\[0\]: "eu" is not a zone of this version \(zones: none\)/);
    const rated = rateRecords({ ...input, zones: { name: 'Z', document: zones } });
    assert.deepEqual(
      rated.map(({ status, reason }) => [status, reason]),
      [
        ['unrated', 'no-rule'],
        ['rated', null],
      ],
    );
    const twice = structuredClone(zones);
    twice.sets[1].zones.home = ['228'];
    twice.sets[1].validFrom = '2026-02-01T00:00:00';
    const problems = /validFrom: .* overlaps sets\[0\].*zones\.home: .* must have another name/s;
    assert.throws(() => rateRecords({ ...input, zones: { name: 'Z', document: twice } }), problems);
  });

  it('refuses an allowance with what is wrong in it', () => {
    const problem = (changes: object) => {
      try {
        rate({ records: [], allowances: [{ ...withAllowance.allowances[0], ...changes }] });
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    assert.match(problem({ unit: 'GB' }), /allowances\[0\]\.unit: "GB" must be s or min for voice/);
    assert.match(problem({ amount: 0.5 }), /amount: 0\.5 must be a whole number from 1 to 1000000/);
    const scope = { categories: ['sms'], zones: ['home', 'EU'] };
    assert.match(problem({ scope }), /allowances\[0\]\.scope\.zones\[1\]: "EU" must be one of home, eu, world/);
    assert.match(problem({ scope: {} }), /scope\.categories: \(missing\) must be a list of at least one value/);
    assert.match(problem({ fairUse: { monthlyPrice: '25', zones: ['eu'] } }), /fairUse: .* is for data only/);
    assert.match(
      problem({ validFrom: '2026-04-01', validTo: '2026-04-01' }),
      /validTo: .* must be later than validFrom/,
    );
    assert.match(problem({ validFrom: '2026-02-30' }), /validFrom: "2026-02-30" must be a date/);
  });

  it('takes further tariffs as fallbacks', () => {
    const main = { ...tariff, versions: [{ ...tariff.versions[0], fallback: 'base' }] };
    const rules = [{ ...tariff.versions[0].rules[0], id: 'de', match: { prefixes: ['49'] } }];
    const base = { ...tariff, tariff: 'base', versions: [{ ...tariff.versions[0], rules }] };
    const [rated] = rate({ records: [{ ...call, to: '4915112345678' }] }, [main, base]);
    assert.deepEqual([rated!.rule, rated!.amount], ['base/de', '0.0800']);
    assert.throws(() => rate({ records: [] }, [main]), /versions\[0\]\.fallback: "base" is not a known tariff/);
  });

  it('does not look at digits that an import masks', () => {
    const rules = [{ ...tariff.versions[0].rules[0], match: { prefixes: ['3161234'] } }];
    const service = { ...tariff, versions: [{ ...tariff.versions[0], rules }] };
    const statuses = ['31612345678', '3161234567', '112'].map(
      (to) => rate({ records: [{ ...call, to }] }, [service])[0]!.status,
    );
    assert.deepEqual(statuses, ['rated', 'unrated', 'unrated']);
  });

  it('takes the category of the number for a record at home that names none', () => {
    const rules = [{ ...tariff.versions[0].rules[0], match: { categories: ['national-mobile', 'short-code'] } }];
    const byCategory = { ...tariff, versions: [{ ...tariff.versions[0], rules }] };
    const { category: _, ...plain } = { category: '', ...call };
    const records = [{ to: '31612345678' }, { to: '1888' }, { to: '31201234567' }, { visited: '20801' }];
    const rated = rate({ records: records.map((changes, i) => ({ ...plain, ...changes, id: `r${i}` })) }, [byCategory]);
    assert.deepEqual(
      rated.map(({ status, reason }) => reason ?? status),
      ['rated', 'rated', 'no-rule', 'no-rule'],
    );
  });

  it('knows a short code after the country code', () => {
    const named = (id: string, prefix: string) => ({
      ...tariff.versions[0].rules[0],
      id,
      match: { prefixes: [prefix] },
    });
    const versions = [{ ...tariff.versions[0], rules: [named('dutch', '31'), named('town', '14')] }];
    const to = ['3114020', '14020', '31141234567', '31112'];
    const rated = rate({ records: to.map((number) => ({ ...call, id: number, to: number })) }, [
      { ...tariff, versions },
    ]);
    assert.deepEqual(
      rated.map(({ rule }) => rule),
      ['town', 'town', 'dutch', null],
    );
  });

  it('takes stated amounts for recurring, one-off and credit', () => {
    const [credit] = rate({ records: [{ id: 'c', kind: 'credit', start: call.start, usage: 1, amount: '-12.5' }] });
    assert.deepEqual([credit!.status, credit!.amount], ['rated', '-12.5000']);
  });

  it('names record, field and value of everything that is wrong', () => {
    assert.deepEqual(problemsOf({ ...call, usage: -1, start: '2026-02-30T12:00:00', kind: 'fax' }), [
      'records[0].kind: "fax" must be one of voice, sms, mms, data, recurring, oneoff, credit (record "r1")',
      'records[0].start: "2026-02-30T12:00:00" must be a time from 1970 to 2199, local such as "2026-03-02T12:00:00" or with an offset such as "2026-03-02T12:00:00+01:00" (record "r1")',
      'records[0].usage: -1 must be a whole number: seconds (voice), messages (sms, mms), octets (data), 1 for the others (record "r1")',
    ]);
    assert.match(problemsOf({ ...call, startt: 1 })[0]!, /records\[0\]\.startt: 1 unknown key; .* "start"/);
    assert.match(problemsOf({ ...call, kind: 'oneoff' })[0]!, /records\[0\]\.amount: \(missing\) is needed for oneoff/);
    assert.match(problemsOf({ ...call, usage: 2_678_401 })[0]!, /usage: 2678401 must be at most 2678400 seconds.*"r1"/);
    assert.match(problemsOf({ ...call, category: 'voicemial' })[0]!, /category: "voicemial" must be one of/);
    assert.match(problemsOf({ ...call, dst: 'X' })[0]!, /dst: "X" must be "S"/);
    assert.match(problemsOf('r1')[0]!, /records\[0\]: "r1" must be an object/);
    assert.throws(() => rate([]), /R\.json has 1 problem/);
    assert.throws(() => rate(null), InvalidDocumentError);
  });

  it('shows no whole dialled number in an error', () => {
    assert.match(problemsOf({ ...call, to: '0612345678' })[0]!, /^records\[0\]\.to: "061234\*\*\*\*" must be digits/);
  });
});
