/**
 * The ordinary traffic of one account in one month: 62 % voice, 18 % sms, 18 % data, 2 % others, 3 % of it abroad, at the
 * hours people are awake. Records come without ids, in no order.
 */
import type { Account } from './account.ts';
import type { Calendar } from './calendar.ts';
import { type Destination, dutch, fixed, international, mobile, premiumSms, voiceDestination } from './numbers.ts';
import type { Random } from './random.ts';
import type { UsageRecord } from './usage-record.ts';

/** A record before it has its place in a file. */
export type Draft = Omit<UsageRecord, 'id' | 'change' | 'originalId'>;

export interface TrafficPlace {
  account: Account;
  calendar: Calendar;
  fromS: number;
  toS: number;
  /** True when the file holds the two calls that tell the first pass of the doubled hour from the second. */
  hasAnchors: boolean;
}

/** Weight of each local hour, 0..23, out of 20. */
const hourWeights = [3, 2, 2, 1, 1, 2, 4, 9, 15, 19, 20, 20, 18, 18, 19, 19, 19, 18, 14, 12, 11, 10, 8, 5];

const durations: readonly (readonly [readonly [number, number] | readonly number[], number])[] = [
  [[0], 30],
  [[1], 15],
  [[2, 29], 180],
  [[29, 30, 31, 36, 59, 60, 61, 66, 119, 120, 121, 300], 110],
  [[30, 180], 420],
  [[181, 600], 200],
  [[601, 1800], 40],
  [[1801, 7200], 4],
  [[7201, 18_000], 1],
];

const euNetworks = ['20801', '26201', '20610', '21401', '22210'];
const worldNetworks = ['310410', '28601', '22801', '60400', '20899'];

export function trafficRecord(random: Random, place: TrafficPlace): Draft {
  const kind = random.weighted([
    ['voice', 620],
    ['sms', 180],
    ['data', 180],
    ['other', 20],
  ] as const);
  const startS = randomStart(random, place);
  if (kind === 'other') return feeOrCredit(random, place, startS);
  const abroad = random.below(100) < 3;
  if (kind === 'voice') return voice(random, place, startS, abroad);
  return kind === 'sms' ? sms(random, place, startS, abroad) : data(random, place, startS, abroad);
}

function voice(random: Random, place: TrafficPlace, startS: number, abroad: boolean): Draft {
  const quantity = randomSeconds(random);
  const to = voiceDestination(random, ownNumbers(place));
  if (!abroad) {
    const callCode = random.oneIn(5000) ? '9999' : to.callCode;
    return voiceDraft(random, place, { startS, quantity, to: { ...to, callCode } });
  }
  const visited = random.pick([...euNetworks, ...euNetworks, ...worldNetworks]);
  const called = random.oneIn(3);
  const area = euNetworks.includes(visited) ? '30' : '31';
  const other = random.pick([mobile(random), mobile(random), fixed(random), international(random)]);
  const callCode = `${area}${called ? '10' : '00'}`;
  return { ...voiceDraft(random, place, { startS, quantity, to: { ...other, callCode } }), visited };
}

/** A voice call at home, with everything the caller does not fix drawn at random. */
export function voiceDraft(
  random: Random,
  place: TrafficPlace,
  call: { startS: number; quantity: number; to: Destination },
): Draft {
  return {
    ...draft(random, place, call.startS),
    line: '10',
    dialled: call.to.dialled,
    number: call.to.number,
    callCode: call.to.callCode,
    text: call.to.text,
    quantity: call.quantity,
    amountE4: call.quantity === 0 ? 0 : random.below(400) + Math.floor((call.quantity * random.between(6, 25)) / 2),
    visited: random.oneIn(4) ? '20408' : '',
  };
}

function sms(random: Random, place: TrafficPlace, startS: number, abroad: boolean): Draft {
  const quantity = random.weighted([
    [1, 80],
    [2, 12],
    [3, 5],
    [5, 3],
  ]);
  const foreign = random.oneIn(12);
  const premium = !abroad && random.oneIn(40);
  const to = premium ? premiumSms(random) : foreign ? international(random) : mobile(random);
  const callCode = premium ? '7900' : abroad || (foreign && random.oneIn(2)) ? '7100' : '7000';
  const visited = abroad ? random.pick([...euNetworks, ...worldNetworks]) : random.oneIn(4) ? '20408' : '';
  return {
    ...draft(random, place, startS),
    line: '20',
    dialled: to.dialled,
    number: to.number,
    callCode,
    text: abroad ? 'SMS in het buitenland' : to.text,
    quantity,
    amountE4: quantity * random.between(400, 900),
    visited,
  };
}

function data(random: Random, place: TrafficPlace, startS: number, abroad: boolean): Draft {
  const visited = abroad
    ? random.pick([...euNetworks, ...euNetworks, ...worldNetworks])
    : random.oneIn(3)
      ? '20408'
      : '';
  const callCode = !abroad ? '6000' : euNetworks.includes(visited) ? '6100' : '6200';
  const octets = random.weighted([
    [random.between(1, 9_999), 25],
    [random.pick([1024, 10_240, 102_400, 1_048_576, 10_485_760, 10_485_761]), 10],
    [random.between(10_000, 2_000_000), 45],
    [random.between(2_000_001, 60_000_000), 18],
    [random.between(60_000_001, 2_000_000_000), 2],
  ]);
  return {
    ...draft(random, place, startS),
    line: '30',
    dialled: random.pick(['internet', 'internet.kpn', 'portalmmm.nl']),
    callCode,
    text: abroad ? 'Data buitenland' : 'Data nationaal',
    quantity: random.between(1, 7200),
    octets,
    amountE4: Math.floor(octets / random.between(20_000, 90_000)),
    visited,
  };
}

function feeOrCredit(random: Random, place: TrafficPlace, startS: number): Draft {
  const day = place.calendar.localText(startS).replace(/(....)(..)(..).*/, '$1-$2-$3T00:00:00');
  const common = {
    ...draft(random, place, place.calendar.instantOf(day)),
    dstFlag: '' as const,
    untilS: place.toS - 1,
  };
  const what = random.weighted([
    ['recurring', 70],
    ['credit', 20],
    ['oneoff', 10],
  ] as const);
  if (what === 'recurring') {
    const text = random.pick(['Abonnement één', 'Bundel 10 GB', 'Toeslag für Büro']);
    return { ...common, line: '40', text, amountE4: random.pick([75_000, 125_000, 199_500, 332_231]) };
  }
  const amountE4 = random.between(1, 250_000);
  const text = what === 'credit' ? 'Creditering' : 'Eenmalige kosten';
  return { ...common, line: '50', text, amountE4: what === 'credit' ? -amountE4 : amountE4 };
}

function draft(random: Random, place: TrafficPlace, startS: number): Draft {
  return {
    line: '10',
    msisdn: random.pick(place.account.subscribers).msisdn,
    dialled: '',
    number: '',
    startS,
    dstFlag: flagOf(random, place, startS),
    quantity: 1,
    octets: 0,
    callCode: '',
    visited: '',
    amountE4: 0,
    vat: random.oneIn(25) ? '00' : '21',
    inBundle: random.oneIn(3),
    text: '',
    untilS: startS,
    isEdge: false,
  };
}

/** Most lines tell summer from winter time; in the doubled hour one in four leaves it to the order of the file. */
function flagOf(random: Random, place: TrafficPlace, startS: number): UsageRecord['dstFlag'] {
  const told = place.calendar.dstFlag(startS);
  const silent = random.oneIn(place.calendar.isAmbiguous(startS) ? 4 : 12);
  return silent && (place.hasAnchors || !place.calendar.isAmbiguous(startS)) ? '' : told;
}

function randomStart(random: Random, place: TrafficPlace): number {
  for (;;) {
    const startS = random.between(place.fromS, place.toS - 1);
    if (random.below(20) < (hourWeights[place.calendar.hourOf(startS)] ?? 0)) return startS;
  }
}

function randomSeconds(random: Random): number {
  const range = random.weighted(durations);
  const [from = 0, to = from] = range;
  return range.length === 2 ? random.between(from, to) : random.pick(range);
}

function ownNumbers(place: TrafficPlace): string[] {
  return place.account.subscribers.map((subscriber) => subscriber.msisdn);
}

/** A call to a fellow subscriber of the account. */
export function onNet(random: Random, place: TrafficPlace): Destination {
  return dutch(random, random.pick(ownNumbers(place)), '1200', 'Eigen netwerk');
}
