/**
 * KPN's SP16X (and GRIP's) as data (domain.md section 5.1). The layout is OURS, invented to be realistic; a user with the
 * real description changes these tables, no code.
 */
import { type LayoutSource, type LayoutSpec, layoutSpec } from '../spec/layout-spec.ts';
import { callCategories, roamingCallCodes } from './call-codes.ts';
import {
  headerLayout as header,
  layoutVersion,
  lineLength,
  type Position,
  recordLayout as record,
  trailerLayout,
} from './layout.ts';

type Type = LayoutSource['records']['types'][number];
type Fields = Type['fields'];

const at = ({ from, to }: Position): [number, number] => [from, to];
/** One of an amount, in 1e-8 EUR. */
const euroE4 = 10_000;
const trailer = (to: 'records' | 'sum' | 'crc', as: 'digits' | 'signed' | 'crc') => ({
  to,
  from: at(trailerLayout[to]),
  as,
  unit: euroE4,
});

const first: Fields = [{ to: 'id', from: at(record.id), as: 'text' }];
const last: Fields = [
  { to: 'amount', from: at(record.amount), as: 'int', sign: 'trailing', unit: euroE4 },
  { to: 'vat', from: at(record.vat), as: 'text', optional: true },
];
const correction: Fields = [
  { to: 'correction', from: at(record.correction), as: 'enum', values: { '': 'none', C: 'correct', D: 'cancel' } },
  { to: 'originalId', from: at(record.originalId), as: 'text', optional: true },
  { to: 'text', from: at(record.text), as: 'text', optional: true },
];

/** A call, message or session. Where the others have the dialled number, a session has the name of its access point. */
function usage(name: string, type: string, kind: 'voice' | 'sms' | 'data'): Type {
  return {
    name,
    when: { from: at(record.type), is: [type] },
    kind,
    foreignIsRoaming: kind === 'sms',
    fields: [
      ...first,
      { to: 'msisdn', from: at(record.msisdn), as: 'digits' },
      ...(kind === 'data' ? [] : [{ to: 'dialled', from: at(record.dialled), as: 'dialled', optional: true } as const]),
      { to: 'start', from: at(record.start), as: 'local', format: 'yyyymmddhhmiss' },
      { to: 'dst', from: at(record.dst), as: 'enum', values: { '': 'none', S: 'summer', W: 'winter' } },
      { to: kind === 'sms' ? 'count' : 'seconds', from: at(record.usage), as: 'int', name: 'usage' },
      { to: 'code', from: at(record.callCode), as: 'digits', name: 'callCode' },
      { to: 'visited', from: at(record.visited), as: 'digits', optional: true },
      ...last,
      {
        to: 'inBundle',
        from: at(record.bundle),
        as: 'enum',
        name: 'bundle',
        values: { '': 'none', J: 'yes', N: 'no' },
      },
      ...correction,
      ...(kind === 'data' ? [{ to: 'octets', from: at(record.octets), as: 'int' } as const] : []),
    ],
  };
}

function charge(name: string, type: string, kind: 'recurring' | 'oneoff'): Type {
  return {
    name,
    when: { from: at(record.type), is: [type] },
    kind,
    fields: [
      ...first,
      { to: 'msisdn', from: at(record.msisdn), as: 'digits', optional: true },
      { to: 'chargeFrom', from: at(record.chargeFrom), as: 'local', format: 'yyyymmdd' },
      { to: 'chargeTo', from: at(record.chargeTo), as: 'local', format: 'yyyymmdd', optional: true },
      ...last,
      ...correction,
    ],
  };
}

export const kpnSp16Layout: LayoutSpec = layoutSpec.parse({
  files: {
    name: String.raw`^SP16X_(?<account>\d{10})_(?<month>\d{6})_(?<seq>\d{6})\.dat(?:\.gz)?$`,
    nameShown: 'SP16X_<account10>_<yyyymm>_<seq6>.dat.gz',
    compression: 'gz',
    encoding: 'iso-8859-1',
    framing: { kind: 'fixed', lineLength, lineEnd: 'crlf' },
    header: {
      when: '00',
      fields: [
        { to: 'type', from: at(header.type), is: '00' },
        { to: 'layout', from: at(header.layout), is: layoutVersion, code: 'unsupported-layout' },
        { to: 'account', from: at(header.account), as: 'digits' },
        { to: 'seq', from: at(header.seq), as: 'digits' },
        { to: 'periodFrom', from: at(header.periodFrom), as: 'date' },
        { to: 'periodTo', from: at(header.periodTo), as: 'date' },
        { to: 'created', from: at(header.created), as: 'time' },
        { to: 'currency', from: at(header.currency), is: 'EUR' },
        { to: 'previousSeq', from: at(header.previousSeq), as: 'digits' },
        { to: 'previousCrc', from: at(header.previousCrc), as: 'crc' },
      ],
    },
    trailer: {
      when: '99',
      fields: [trailer('records', 'digits'), trailer('sum', 'signed'), trailer('crc', 'crc')],
    },
    logicalKey: ['account', 'month', 'seq'],
    sequence: { field: 'seq', gap: 'block' },
  },
  records: {
    types: [
      usage('voice', '10', 'voice'),
      usage('sms', '20', 'sms'),
      usage('data', '30', 'data'),
      charge('recurring charge', '40', 'recurring'),
      charge('one-off charge or credit', '50', 'oneoff'),
    ],
    codes: Object.fromEntries(
      Object.entries(callCategories).map(([code, category]) => [
        code,
        { category, roaming: roamingCallCodes.includes(code) },
      ]),
    ),
  },
});
