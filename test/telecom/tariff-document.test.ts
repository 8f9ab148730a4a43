import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalJson } from '../../src/telecom/canonical-json.ts';
import { InvalidDocumentError } from '../../src/telecom/document-problem.ts';
import { parseTariffDocument, tariffVersions } from '../../src/telecom/tariff-document.ts';
import type { RuleDocument, TariffDocument } from '../../src/telecom/tariff-schema.ts';
import { amsterdam, rule, version } from './worked-tariff.ts';

const options = { numberMask: 4, knownTariffs: new Set(['base']) };

function tariff(versions: unknown[], changes: object = {}): unknown {
  return { tariff: 't', provider: 'KPN', currency: 'EUR', timeZone: 'Europe/Amsterdam', versions, ...changes };
}

function withRule(changes: object): unknown {
  return tariff([version([rule('r', changes as Partial<RuleDocument>)], { zones: { eu: ['208'] } })]);
}

function withStep(changes: object, kind = 'voice'): unknown {
  return withRule({ kind, steps: [{ from: 0, price: '0.10', per: 60, first: 1, next: 1, ...changes }] });
}

function problems(document: unknown, numberMask = 4): string[] {
  try {
    parseTariffDocument(document, 'T.json', { ...options, numberMask });
  } catch (error) {
    assert.ok(error instanceof InvalidDocumentError);
    return error.problems.map(({ path, value, message }) => `${path}: ${value} ${message}`);
  }
  return [];
}

describe('a tariff document', () => {
  it('is taken when it is in order', () => {
    assert.deepEqual(
      problems(withRule({ match: { prefixes: ['316'], zones: ['eu'], categories: ['voicemail'] } })),
      [],
    );
    assert.deepEqual(problems(tariff([version([rule('r')], { fallback: 'base' })])), []);
  });

  it('names the nearest known key of every unknown one', () => {
    const nearest = problems(withRule({ conectFee: '1', wieght: 1 })).map((problem) => /is "(.*?)"/.exec(problem)?.[1]);
    assert.deepEqual(nearest, ['connectFee', 'weight']);
  });

  const steps = 'versions[0].rules[0].steps[0]';
  const refused: [name: string, document: unknown, expected: RegExp][] = [
    ['no object', 7, /^: 7 must be an object$/],
    [
      'an unknown key',
      withRule({ conectFee: '1' }),
      /rules\[0\]\.conectFee: "1" unknown key; the nearest known is "connectFee"/,
    ],
    [
      'a control character in a name, which the database would not take',
      withRule({ id: 'a\u0000b' }),
      /rules\[0\]\.id: "a\\u0000b" must be a name .* without spaces, control characters/,
    ],
    ['a price as a number', withStep({ price: 0.1 }), /steps\[0\]\.price: 0\.1 must be a decimal string/],
    ['a price over 1000 EUR', withStep({ price: '1000.00000001' }), /price: "1000\.00000001" must be .* to "1000"/],
    ['a negative price', withStep({ price: '-0.01' }), /price: "-0\.01" must be/],
    ['nine decimals', withStep({ price: '0.000000001' }), /at most 8 decimals/],
    ['an increment of 0', withStep({ next: 0 }), /next: 0 must be a whole number from 1/],
    [
      'an increment of over a day',
      withStep({ first: 86_401 }),
      /first: 86401 must be a whole number from 1 to 86400 for voice/,
    ],
    ['a broken increment', withStep({ per: 1.5 }), /per: 1\.5 must be a whole number/],
    ['data beyond 2^40', withStep({ per: 2 ** 40 + 1 }, 'data'), /per: 1099511627777 must be .* to 1099511627776/],
    ['a first step after 0', withStep({ from: 1 }), /from: 1 must be 0: the first step begins with the call/],
    [
      'steps that do not ascend',
      withRule({ steps: [0, 60, 60].map((from) => ({ from, price: '0.1', per: 60, first: 1, next: 1 })) }),
      /steps\[2\]\.from: 60 must be more than 60/,
    ],
    ['a rule that asks for nothing', withRule({ match: {} }), /match: \{\} must have prefixes, zones or categories/],
    [
      'a prefix with a plus',
      withRule({ match: { prefixes: ['+316'] } }),
      /prefixes\[0\]: "\+316" must be the first digits/,
    ],
    ['a helpline as prefix', withRule({ match: { prefixes: ['112'] } }), /prefixes\[0\]: "112" is an emergency/],
    [
      'a zone that is not defined',
      withRule({ match: { zones: ['mars'] } }),
      /zones\[0\]: "mars" is not a zone .*\(zones: eu\)/,
    ],
    [
      'an unknown category',
      withRule({ match: { categories: ['mobile'] } }),
      /categories\[0\]: "mobile" must be one of national-fixed/,
    ],
    [
      'a time that does not exist',
      withRule({ active: { from: '24:00:00' } }),
      /active\.from: "24:00:00" must be a local time/,
    ],
    [
      'a thirteenth month',
      withRule({ active: { months: [13] } }),
      /months\[0\]: 13 must be a whole number from 1 to 12/,
    ],
    [
      'a date that does not exist',
      tariff([version([rule('r')], { validFrom: '2026-02-30T00:00:00' })]),
      /validFrom: "2026-02-30/,
    ],
    [
      'an end before its start',
      tariff([version([rule('r')], { validTo: '2025-01-01T00:00:00' })]),
      /validTo: "2025-.* must be later/,
    ],
    [
      'overlapping versions',
      tariff([version([rule('r')]), version([rule('r')], { validFrom: '2026-06-01T00:00:00' })]),
      /versions\[1\]\.validFrom: "2026-06-01T00:00:00" overlaps versions\[0\]/,
    ],
    [
      'a rule id used twice',
      tariff([version([rule('r'), rule('r')])]),
      /rules\[1\]\.id: "r" is already the id of rules\[0\]/,
    ],
    [
      'an unknown fallback',
      tariff([version([rule('r')], { fallback: 'gone' })]),
      /fallback: "gone" is not a known tariff.*\(known: base\)/,
    ],
    ['itself as fallback', tariff([version([rule('r')], { fallback: 't' })]), /fallback: "t" is this tariff itself/],
    [
      'a network in two zones',
      tariff([version([rule('r')], { zones: { eu: ['208'], world: ['208'] } })]),
      /zones\.world\[0\]: "208" is already in zone "eu"/,
    ],
    ['another currency', tariff([version([rule('r')])], { currency: 'USD' }), /currency: "USD" must be "EUR"/],
    [
      'an unknown time zone',
      tariff([version([rule('r')])], { timeZone: 'Europe/Amsterdm' }),
      /timeZone: "Europe\/Amsterdm" must be/,
    ],
    ['no versions', tariff([]), /versions: \[\] must be a list of at least one value/],
  ];
  for (const [name, document, expected] of refused) {
    it(`is refused with ${name}`, () => {
      const found = problems(document);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0]!, expected);
    });
  }

  it('is refused when a prefix reaches into masked digits, unless short codes are that long', () => {
    const prefix = (text: string) => withRule({ match: { prefixes: [text] } });
    assert.deepEqual(problems(prefix('3161234')), []);
    assert.match(problems(prefix('31612345'))[0]!, /"31612345" reaches into the last 4 digits.*at most 7 digits/);
    assert.deepEqual(problems(prefix('31612345'), 3), []);
    assert.deepEqual(problems(prefix('140201'), 6), []);
    assert.equal(problems(prefix('1402012'), 6).length, 1);
    // what begins with the country code is no short code
    assert.match(problems(prefix('316123'), 6)[0]!, /at most 5 digits/);
  });

  it('is refused when a prefix reaches into masked digits of a short service number such as 0900-1234', () => {
    const prefix = (text: string) => withRule({ match: { prefixes: [text] } });
    for (const service of ['31800', '31900', '31906', '31909']) {
      assert.deepEqual(problems(prefix(service)), []);
      assert.match(problems(prefix(`${service}1`))[0]!, /reaches into the last 4 digits.*at most 5 digits/);
      assert.match(problems(prefix(service), 5)[0]!, /at most 4 digits/);
    }
    assert.deepEqual(problems(prefix('3190'), 5), []);
    assert.match(problems(prefix('3190'), 6)[0]!, /at most 3 digits/);
    assert.deepEqual(problems(prefix('3188112')), []);
  });

  it('is refused with all its problems at once, of form and of agreement', () => {
    const bad = tariff([
      version([rule('r', { connectFee: 'x' }), rule('r')], { fallback: 'gone' }),
      version([rule('r')]),
    ]);
    assert.equal(problems({ ...(bad as object), extra: 1 }).length, 5);
    assert.throws(() => parseTariffDocument(bad, 'T.json', options), {
      name: 'InvalidDocumentError',
      message: /^T\.json has 4 problem\(s\):\n {2}versions\[0\]\.rules\[0\]\.connectFee: "x" must be/,
    });
    assert.equal(problems(withStep({ price: 'x', next: 0 })).filter((line) => line.startsWith(steps)).length, 2);
  });

  it('has a minimum that is not above its cap, and a cap that says what happens there', () => {
    assert.deepEqual(problems(withRule({ minimum: '0.20', cap: { amount: '0.20', strategy: 'free' } })), []);
    assert.match(
      problems(withRule({ minimum: '0.21', cap: { amount: '0.20', strategy: 'free' } }))[0]!,
      /rules\[0\]\.minimum: "0\.21" is more than the cap of 0\.20/,
    );
    assert.match(problems(withRule({ cap: { amount: '1' } }))[0]!, /cap\.strategy: .* must be "free" or "disconnect"/);
    assert.match(
      problems(withRule({ cap: { amount: '-1', strategy: 'free' } }))[0]!,
      /cap\.amount: "-1" must be a decimal/,
    );
  });
});

describe('stored versions', () => {
  it('have their validity as instants, oldest first, and a checksum that key order does not change', () => {
    const first = version([rule('a')], { validTo: '2026-07-01T00:00:00' });
    const second = version([rule('b')], { validFrom: '2026-07-01T00:00:00' });
    const stored = tariffVersions(tariff([second, first]) as TariffDocument, amsterdam);
    assert.deepEqual(
      stored.map((each) => [each.validFromMs, each.validToMs, each.document.timeZone]),
      [
        [Date.UTC(2025, 11, 31, 23), Date.UTC(2026, 5, 30, 22), 'Europe/Amsterdam'],
        [Date.UTC(2026, 5, 30, 22), null, 'Europe/Amsterdam'],
      ],
    );
    const turned = Object.fromEntries(Object.entries(first).reverse());
    const [again] = tariffVersions(tariff([turned]) as TariffDocument, amsterdam);
    assert.deepEqual(again!.checksum, stored[0]!.checksum);
    assert.notDeepEqual(stored[1]!.checksum, stored[0]!.checksum);
  });

  it('are canonical JSON: sorted keys, no white space', () => {
    assert.equal(canonicalJson({ b: [1, { d: null, c: 'x"' }], a: undefined }), '{"b":[1,{"c":"x\\"","d":null}]}');
  });
});
