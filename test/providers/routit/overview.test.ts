/** An overview is used when it is all that it must be, and else not at all: what it says decides what is charged to whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OverviewError, readOverview } from '../../../src/providers/routit/overview.ts';

const asked = { reseller: '0000000900', period: '2026-10', page: 1 };
const customer = `<Customer><customerId>5001</customerId><rows>12</rows><net>-0.0001</net><url>https://x/y</url><md5>${'0aF9'.repeat(8)}</md5></Customer>`;

function overview(change: (text: string) => string = (text) => text): Buffer {
  return Buffer.from(
    change(`<?xml version="1.0" encoding="UTF-8"?>
<CdrOverviewResponse><isSuccess>true</isSuccess><resellerId>900</resellerId><period>2026-10</period><page>1</page>
<pages>2</pages><rows>12</rows><net>12.3456</net><customers>${customer}</customers></CdrOverviewResponse>`),
  );
}

test('numbers, amounts and sums are read exactly, and elements that nobody knows are left alone', async () => {
  const page = await readOverview(
    overview((text) => text.replace('<rows>', '<brand>&lt;b&gt; <sub/></brand><rows>')),
    asked,
  );
  assert.deepEqual(page, {
    pages: 2,
    records: 12,
    netE8: 1_234_560_000,
    customers: [{ customerNo: '5001', records: 12, netE8: -10_000, url: 'https://x/y', md5: '0af9'.repeat(8) }],
  });
});

test('a month without customers is one, written either way', async () => {
  for (const empty of ['<customers></customers>', '<customers/>']) {
    const bytes = overview((text) => text.replace(/<customers>.*<\/customers>/, empty));
    assert.deepEqual((await readOverview(bytes, asked)).customers, []);
  }
});

const refused: [name: string, bytes: Uint8Array, message: RegExp, strange: boolean][] = [
  [
    'an error',
    overview(
      () =>
        '<CdrOverviewResponse><isSuccess>false</isSuccess><errorCode>E7</errorCode><errorMessage>vol</errorMessage></CdrOverviewResponse>',
    ),
    /answered E7: vol/,
    false,
  ],
  ['half of it', overview((text) => text.slice(0, 300)), /not well-formed XML: line/, false],
  ['another document', overview(() => '<html><body/></html>'), /no CdrOverviewResponse/, false],
  [
    'a document type',
    overview((text) => text.replace('?>', '?><!DOCTYPE a [<!ENTITY b "c">]>')),
    /document type/,
    true,
  ],
  ['bytes that are no UTF-8', Buffer.concat([overview(), Buffer.from([0xff])]), /not valid UTF-8/, false],
  ['a NUL', overview((text) => text.replace('5001', '50\x0001')), /NUL/, false],
  ['another reseller', overview((text) => text.replace('900<', '911<')), /of reseller 911, not of 0000000900/, true],
  ['another month', overview((text) => text.replace('2026-10<', '2026-09<')), /page 1 of 2026-09 came/, false],
  ['an element less', overview((text) => text.replace('<net>-0.0001</net>', '')), /customers\.Customer\.0\.net/, false],
  [
    'a decimal comma',
    overview((text) => text.replace('12.3456', '12,3456')),
    /net must be an amount such as 12\.3456/,
    false,
  ],
  [
    'an amount beyond counting',
    overview((text) => text.replace('12.3456', '99999999999.00')),
    /net must be an amount/,
    false,
  ],
  [
    'a number with a sign',
    overview((text) => text.replace('<rows>12', '<rows>-12')),
    /rows must be a whole number/,
    false,
  ],
  [
    'a customer that is no number',
    overview((text) => text.replace('5001', '../5001')),
    /customerId must be up to 10 digits/,
    false,
  ],
];

for (const [name, bytes, message, strange] of refused) {
  test(`${name} is refused with what is wrong`, async () => {
    await assert.rejects(
      readOverview(bytes, asked),
      (error) => error instanceof OverviewError && message.test(error.message) && error.strange === strange,
    );
  });
}
