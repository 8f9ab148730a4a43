/**
 * The XML of the overview: what is asked, and what an answer says. An answer is read only when it is all that it must be: valid
 * UTF-8, well formed, without a document type (so without entities), of the bounded size, of this reseller and this period, with
 * every element in its form. Elements that are not known are left alone.
 */
import { z } from 'zod';
import { parseAmountE8 } from '../../telecom/money.ts';

export interface Listed {
  /** As the provider writes it. */
  readonly customerNo: string;
  readonly records: number;
  readonly netE8: number;
  readonly url: string;
  /** Lower-case hex. */
  readonly md5: string;
}

export interface OverviewPage {
  readonly pages: number;
  /** Of the whole period. */
  readonly records: number;
  readonly netE8: number;
  readonly customers: readonly Listed[];
}

/** The answer is not what was asked for. `strange`: it speaks of another reseller, or tries to bring something in. */
export class OverviewError extends Error {
  override readonly name = 'OverviewError';
  readonly strange: boolean;
  constructor(message: string, options: { strange?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.strange = options.strange ?? false;
  }
}

/** `period`: `2026-10`. */
export function overviewRequest(period: string, page: number): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<CdrOverviewRequest><Header/><Period>${period}</Period><Page>${page}</Page></CdrOverviewRequest>\n`
  );
}

const digits = z.string().regex(/^\d{1,15}$/, 'must be a whole number');
const whole = digits.transform(Number);
const money = z.string().transform((text, context) => {
  const amount = parseAmountE8(text);
  if (Number.isNaN(amount)) context.addIssue({ code: 'custom', message: 'must be an amount such as 12.3456' });
  return amount;
});

const customer = z.object({
  customerId: z.string().regex(/^[0-9]{1,10}$/, 'must be up to 10 digits'),
  rows: whole,
  net: money,
  url: z.string().min(1).max(2_000),
  md5: z.string().regex(/^[0-9a-fA-F]{32}$/, 'must be an md5 in hex'),
});

const good = z.object({
  isSuccess: z.literal('true'),
  resellerId: digits,
  period: z.string(),
  page: whole,
  pages: whole,
  rows: whole,
  net: money,
  // an empty element reads as an empty text
  customers: z.preprocess(
    (value) => (value === '' ? { Customer: [] } : value),
    z.object({ Customer: z.array(customer) }),
  ),
});

const refusal = z.object({ isSuccess: z.literal('false'), errorCode: z.string(), errorMessage: z.string() });

const parserOptions = {
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  isArray: (name: string) => name === 'Customer',
};

/** Rejects with `OverviewError`: what is wrong and where. */
export async function readOverview(
  bytes: Uint8Array,
  asked: { reseller: string; period: string; page: number },
): Promise<OverviewPage> {
  const answer = await parse(textOf(bytes));
  const said = refusal.safeParse(answer);
  if (said.success) throw new OverviewError(`the provider answered ${said.data.errorCode}: ${said.data.errorMessage}`);
  const { data, error } = good.safeParse(answer);
  if (!data) {
    const [issue] = error.issues;
    throw new OverviewError(`the overview is not in its form: ${issue!.path.join('.')} ${issue!.message}`);
  }
  if (data.resellerId.padStart(10, '0') !== asked.reseller) {
    throw new OverviewError(
      `the overview is of reseller ${data.resellerId}, not of ${asked.reseller}; nothing of it was used`,
      {
        strange: true,
      },
    );
  }
  if (data.period !== asked.period || data.page !== asked.page) {
    throw new OverviewError(
      `page ${asked.page} of ${asked.period} was asked for, page ${data.page} of ${data.period} came`,
    );
  }
  const customers = data.customers.Customer.map(({ customerId, rows, net, url, md5 }) => ({
    customerNo: customerId,
    records: rows,
    netE8: net,
    url,
    md5: md5.toLowerCase(),
  }));
  return { pages: Math.max(1, data.pages), records: data.rows, netE8: data.net, customers };
}

function textOf(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new OverviewError('the overview is not valid UTF-8', { cause });
  }
  if (text.includes('\0')) throw new OverviewError('the overview holds a NUL character');
  if (/<!(?!--|\[CDATA\[)/.test(text)) {
    throw new OverviewError('the overview brings a document type, which could define entities; it was not read', {
      strange: true,
    });
  }
  return text;
}

/** The parser is loaded by the first overview: nodes of who has no reseller do without. */
async function parse(text: string): Promise<unknown> {
  const { XMLParser, XMLValidator } = await import('fast-xml-parser');
  const valid = XMLValidator.validate(text);
  if (valid !== true)
    throw new OverviewError(`the overview is not well-formed XML: line ${valid.err.line}, ${valid.err.msg}`);
  const document = new XMLParser(parserOptions).parse(text) as Record<string, unknown>;
  if (!('CdrOverviewResponse' in document)) throw new OverviewError('the answer is no CdrOverviewResponse');
  return document.CdrOverviewResponse;
}
