/**
 * Stores an invoice or a credit note, with its lines and its VAT, in the caller's transaction. The same content under the
 * same number again changes nothing. Other content under a number that is known is refused, unless `replace` says that a
 * person looked: it becomes the next version, and the one before stays as it was read, replaced.
 */
import { createHash } from 'node:crypto';
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { canonicalJson } from '../telecom/canonical-json.ts';
import { InvalidDocumentError } from '../telecom/document-problem.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { type BilledContract, billedContract, cycleNamed } from './billed-contract.ts';
import { invoiceOfCsv } from './csv-document.ts';
import { amountOf, type InvoiceDocument, invoiceDocument, invoiceProblems } from './document.ts';
import { insertInvoice } from './insert-invoice.ts';
import { endLeftReconciliation, moveCreditNotes } from './move-credit-notes.ts';
import { refuseImplausible } from './plausible.ts';

export interface LoadInvoice {
  /** The JSON form, or the text of a CSV. */
  readonly document: unknown;
  readonly csv?: boolean;
  /** Other content under this number takes the place of what was loaded before. */
  readonly replace: boolean;
  /** Also one whose amount is many times what this contract's invoices or totals are. */
  readonly force: boolean;
  readonly by: string;
}

export interface LoadedInvoice {
  readonly invoice: string;
  readonly kind: 'invoice' | 'credit_note';
  readonly customer: string;
  readonly account: string;
  readonly cycle: string;
  readonly version: number;
  readonly lines: number;
  readonly net: string;
  /** False: it was loaded before, and is as it was. */
  readonly stored: boolean;
  readonly ignoredColumns?: readonly string[];
  /** Numbers of its credit notes, when they went with it into another cycle. */
  readonly moved?: readonly string[];
  /** The cycle that it left, when that has no invoice any more and what was found there is over. */
  readonly ended?: string;
}

/** What both forms of an invoice come to. */
export interface ReadInvoice {
  readonly invoice: InvoiceDocument;
  readonly ignoredColumns: readonly string[];
}

/** Throws `InvalidDocumentError` with everything that is wrong in it. */
export function readInvoice(document: unknown, csv: boolean): ReadInvoice {
  const read = csv ? invoiceOfCsv(String(document)) : { document, ignoredColumns: [], placeOfLine: null };
  const problems = invoiceProblems(read.document).map((problem) => {
    const at = /^lines\[(\d+)\]\.?/.exec(problem.path);
    if (read.placeOfLine === null || at === null) return problem;
    return { ...problem, path: `line ${read.placeOfLine[Number(at[1])]}, ${problem.path.slice(at[0].length)}` };
  });
  if (problems.length > 0) throw new InvalidDocumentError('the invoice', problems);
  return { invoice: invoiceDocument.parse(read.document), ignoredColumns: read.ignoredColumns };
}

/** Throws `InvalidDocumentError`, or `InputError` when it does not fit what is stored. */
export async function loadInvoice(
  tx: Tx,
  { document, csv = false, replace, force, by }: LoadInvoice,
): Promise<LoadedInvoice> {
  const { invoice, ignoredColumns } = readInvoice(document, csv);
  const contract = await billedContract(tx, invoice);
  // one load at a time for a contract: the next version's number is read and written
  await tx.query('select 1 from contract where id = $1 for no key update', [contract.id]);
  const cycles = await cyclesOf(tx, contract, invoice);
  const [hash, asWritten] = [sameContent(invoice), invoice].map(hashOf) as [Buffer, Buffer];
  const [known] = await tx.query<Known>(knownInvoice, [contract.id, invoice.number]);
  const loaded = {
    invoice: invoice.number,
    kind: invoice.kind,
    customer: invoice.customer,
    account: contract.account,
    cycle: cycles.usage,
    lines: invoice.lines.length,
    net: formatAmountE8(amountOf(invoice.total.net), 2),
    ...(ignoredColumns.length === 0 ? {} : { ignoredColumns }),
  };
  // the hash of one that was loaded by an earlier release is that of its text
  if (known !== undefined && [hash, asWritten].some((one) => one.toString('hex') === known.hash))
    return { ...loaded, version: known.version, stored: false };
  if (known !== undefined && !replace) refuseOther(invoice, contract, known);
  if (!force) await refuseImplausible(tx, contract, invoice, cycles.usage);
  if (known !== undefined) await tx.query(`update invoice set state = 'replaced' where id = $1`, [known.id]);
  const version = (known?.version ?? 0) + 1;
  await insertInvoice(tx, { contract, invoice, cycles, version, hash, by });
  const left = known === undefined ? {} : await leaveCycles(tx, contract, known, cycles);
  return { ...loaded, version, stored: true, ...left };
}

const hashOf = (invoice: InvoiceDocument) => createHash('sha256').update(canonicalJson(invoice)).digest();

/** However its amounts and its account were written: `12.50` is `12.5`. */
function sameContent(invoice: InvoiceDocument): InvoiceDocument {
  const plain = (text: string) => formatAmountE8(amountOf(text), 0);
  const { net, vat, gross } = invoice.total;
  return {
    ...invoice,
    account: invoice.account.padStart(10, '0'),
    lines: invoice.lines.map((line) => ({
      ...line,
      net: plain(line.net),
      ...(line.unitPrice === undefined ? {} : { unitPrice: plain(line.unitPrice) }),
    })),
    vat: invoice.vat.map((row) => ({ ...row, net: plain(row.net), vat: plain(row.vat) })),
    total: { net: plain(net), vat: plain(vat), gross: plain(gross) },
  };
}

/** What went elsewhere with the invoice; nothing when it stays in its cycles. */
async function leaveCycles(
  tx: Tx,
  contract: BilledContract,
  known: Known,
  to: InvoiceCycles,
): Promise<Pick<LoadedInvoice, 'moved' | 'ended'>> {
  if (known.usage === to.usage && known.fees === to.fees) return {};
  const moved = known.kind === 'invoice' ? await moveCreditNotes(tx, contract, known.number, { from: known, to }) : [];
  const ended = await endLeftReconciliation(tx, contract.id, known.usage);
  return { ...(moved.length > 0 ? { moved } : {}), ...(ended ? { ended: known.usage } : {}) };
}

interface Known extends InvoiceCycles {
  readonly id: string;
  readonly number: string;
  readonly kind: 'invoice' | 'credit_note';
  readonly version: number;
  readonly hash: string;
  readonly netE8: string;
  readonly loadedBy: string;
  readonly loadedOn: string;
}

const knownInvoice = `
  select id, number, kind, version, encode(content_hash, 'hex') as hash, net_e8 as "netE8", loaded_by as "loadedBy",
    to_char(cycle_start, 'YYYY-MM-DD') as usage, to_char(fees_cycle_start, 'YYYY-MM-DD') as fees,
    to_char(loaded_at at time zone 'UTC', 'YYYY-MM-DD') as "loadedOn"
  from invoice where contract_id = $1 and number = $2 and state = 'current'`;

function refuseOther(invoice: InvoiceDocument, contract: BilledContract, known: Known): never {
  throw new InputError(
    `invoice ${invoice.number} of account ${contract.account} was loaded on ${known.loadedOn} by ${known.loadedBy} with other content` +
      ` (net ${formatAmountE8(BigInt(known.netE8), 2)}, now ${invoice.total.net}); if this one is right, load it with --replace: it becomes version ${known.version + 1}. What a provider corrects is a credit note with a number of its own`,
  );
}

const correctedInvoice = `
  select to_char(cycle_start, 'YYYY-MM-DD') as usage, to_char(fees_cycle_start, 'YYYY-MM-DD') as fees
  from invoice where contract_id = $1 and number = $2 and state = 'current' and kind = 'invoice'`;
const sameCycle = `
  select number, to_char(fees_cycle_start, 'YYYY-MM-DD') as fees from invoice
  where contract_id = $1 and cycle_start = $2::date and number <> $3 and refers_to is distinct from $3 and state = 'current'
    and fees_cycle_start <> $4::date limit 1`;

export interface InvoiceCycles {
  readonly usage: string;
  readonly fees: string;
}

/** A credit note belongs to the cycles of what it corrects. */
async function cyclesOf(tx: Tx, contract: BilledContract, invoice: InvoiceDocument): Promise<InvoiceCycles> {
  if (invoice.refersTo !== undefined) {
    const [corrected] = await tx.query<InvoiceCycles>(correctedInvoice, [contract.id, invoice.refersTo]);
    if (corrected) return corrected;
    throw new InputError(
      `credit note ${invoice.number} refers to invoice ${invoice.refersTo}, which account ${contract.account} does not have; load that invoice first`,
    );
  }
  const usage = cycleNamed(contract, invoice.period, 'period');
  const fees = invoice.feesPeriod === undefined ? usage : cycleNamed(contract, invoice.feesPeriod, 'feesPeriod');
  const [other] = await tx.query<{ number: string; fees: string }>(sameCycle, [
    contract.id,
    usage,
    invoice.number,
    fees,
  ]);
  if (!other) return { usage, fees };
  throw new InputError(
    `invoice ${invoice.number} charges the fees of cycle ${fees}, and invoice ${other.number} of the same cycle ${usage} those of ${other.fees}; one of the two feesPeriod is wrong`,
  );
}
