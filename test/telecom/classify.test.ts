import assert from 'node:assert/strict';
import { test } from 'node:test';
import { categoryAtHome, classify, classifyMasked } from '../../src/telecom/classify.ts';
import { normaliseDialled } from '../../src/telecom/dialled.ts';

const rows: readonly [digits: string, category: string, country: string | null, kind: string][] = [
  ['31612345678', 'national-mobile', 'NL', 'mobile'],
  ['3161', 'national-mobile', 'NL', 'mobile'],
  ['31660123456', 'national-mobile', 'NL', 'paging'],
  ['3197010123456', 'national-mobile', 'NL', 'm2m'],
  ['31970101234567', 'national-mobile', 'NL', 'm2m'],
  ['31201234567', 'national-fixed', 'NL', 'fixed'],
  ['31701234567', 'national-fixed', 'NL', 'fixed'],
  ['31881234567', 'national-fixed', 'NL', 'company'],
  ['31851234567', 'national-fixed', 'NL', 'location-independent'],
  ['31841234567', 'national-fixed', 'NL', 'personal-assistant'],
  ['31820123456', 'national-fixed', 'NL', 'vpn'],
  ['318001234', 'freephone', 'NL', 'freephone'],
  ['3190012345', 'premium', 'NL', 'premium'],
  ['319061234', 'premium', 'NL', 'premium'],
  ['31676123456', 'unknown', 'NL', 'unknown'],
  ['112', 'freephone', 'NL', 'emergency'],
  ['116123', 'freephone', 'NL', 'helpline'],
  ['14020', 'short-code', 'NL', 'municipality'],
  ['1888', 'short-code', 'NL', 'directory'],
  ['1650', 'short-code', 'NL', 'carrier-select'],
  ['1233', 'voicemail', 'NL', 'voicemail'],
  ['7001', 'short-code', 'NL', 'short-code'],
  ['1121', 'short-code', 'NL', 'short-code'],
  ['11612', 'short-code', 'NL', 'short-code'],
  ['140201', 'short-code', 'NL', 'municipality'],
  ['31112', 'freephone', 'NL', 'emergency'],
  ['31116123', 'freephone', 'NL', 'helpline'],
  ['3114020', 'short-code', 'NL', 'municipality'],
  ['311888', 'short-code', 'NL', 'directory'],
  ['31113212345', 'national-fixed', 'NL', 'fixed'],
  ['4915123450000', 'international', 'DE', 'mobile'],
  ['442071234567', 'international', 'GB', 'fixed'],
  ['447624123456', 'international', 'IM', 'mobile'],
  ['12125550123', 'international', 'US', 'fixed-or-mobile'],
  ['4915123', 'international', 'DE', 'unknown'],
  ['88161234567', 'international', null, 'satellite'],
  ['87076500000', 'international', null, 'satellite'],
  ['882345678901', 'international', null, 'network'],
  ['80012345678', 'freephone', null, 'freephone'],
  ['9991234567', 'unknown', null, 'unknown'],
  ['', 'unknown', null, 'unknown'],
  ['internet.kpn', 'unknown', null, 'unknown'],
];

for (const [digits, category, country, kind] of rows) {
  test(`${digits === '' ? 'no number' : digits} is ${kind} (${category})`, () => {
    assert.deepEqual(classify(digits), { category, country, kind });
  });
}

test('whatever is an emergency or helpline code is confidential', () => {
  for (const code of ['112', '113', '116000', '116123', '31112', '31113', '31116123']) {
    assert.match(classify(code).kind, /emergency|helpline/);
    assert.equal(normaliseDialled(code)?.confidential, true, code);
  }
});

test('what is shown of a number still tells its country and kind', () => {
  assert.deepEqual(classifyMasked('+3168765****'), classify('31687651234'));
  assert.deepEqual(classifyMasked('+49151234****').country, 'DE');
  assert.equal(classifyMasked('+49151234****').kind, 'unknown');
  assert.equal(classifyMasked('+491512345****').kind, 'mobile');
  assert.equal(classifyMasked('1888').kind, 'directory');
});

test('a record without a category of its own gets one from its kind and number', () => {
  assert.equal(categoryAtHome('voice', '31612345678'), 'national-mobile');
  assert.equal(categoryAtHome('sms', '31612345678'), 'sms');
  assert.equal(categoryAtHome('sms', '4915123450000'), 'sms-abroad');
  assert.equal(categoryAtHome('mms', '7001'), 'sms-premium');
  assert.equal(categoryAtHome('sms', '31676123456'), 'unknown');
  assert.equal(categoryAtHome('data', ''), 'data-national');
});
