/**
 * `discover`: asks for the overview of every month that is wanted, page by page, and writes the work list. A month counts only
 * when its pages agree with each other: every customer once, and rows and net of the customers equal to those of the month. When
 * pages moved while they were read, the month is read again a little later. A link that leads astray keeps only its own
 * customer out.
 */
import type { Handler, StepContext } from '../../chains/define.ts';
import { succeeded } from '../../chains/define.ts';
import { fetchWith, type Reading } from '../interpreter/fetch.ts';
import type { SyncInput } from '../sync-input.ts';
import { TransportError } from '../transports/transport.ts';
import { type Connection, connect } from './connection.ts';
import { bodyOf } from './exchange.ts';
import { chargesLink } from './link.ts';
import { type Listed, OverviewError, type OverviewPage, overviewRequest, readOverview } from './overview.ts';
import { type AskedPeriod, periodsToAsk } from './periods.ts';
import type { RoutItServices } from './services.ts';
import { type ListedPeriod, listDeliveries } from './work-list.ts';

const overviewPath = '/cdr';
const maxPageBytes = 16 * 2 ** 20;
/** A provider that says a month has more pages than this is not believed. */
const mostPages = 10_000;

interface Wanted {
  readonly since: string | null;
  readonly lateDays: number;
  readonly today: string;
}

const wanted = `
  select to_char(p.since, 'YYYY-MM-DD') as since, p.late_days as "lateDays",
    to_char(now() at time zone k.time_zone, 'YYYY-MM-DD') as today
  from sync_profile p join contract k on k.id = p.contract_id where p.id = $1`;

const askedBefore = `
  select to_char(r.period, 'YYYY-MM') as period, to_char(r.asked_at at time zone k.time_zone, 'YYYY-MM-DD') as "askedOn"
  from reseller_period r join contract k on k.id = r.contract_id where r.contract_id = $1`;

export function discoverDeliveries(services: RoutItServices): Handler<SyncInput> {
  const fetch = fetchWith((reading) => readOverviews(reading, services), services);
  return async (context) => {
    const fetched = await fetch(context);
    if (fetched.kind === 'ended') return fetched.outcome;
    return succeeded({ commit: async (tx) => void (await fetched.store(tx)) });
  };
}

async function readOverviews(reading: Reading, services: RoutItServices) {
  const { context, subject } = reading;
  const connection = connect(reading, services);
  const months = await monthsOf(context);
  const periods: ListedPeriod[] = [];
  for (const [index, period] of months.entries()) {
    context.progress(index, months.length, 'months');
    periods.push(await readPeriod(reading, services, connection, period));
  }
  services.alerts.resolve('routit.overview', `profile ${context.input.profileId}`);
  const about = { customer: subject.customer };
  reportLinks(services, about.customer, periods);
  return {
    found: [],
    remember: async (tx: Parameters<typeof listDeliveries>[0]) => {
      await listDeliveries(tx, context.input, periods);
    },
  };
}

async function monthsOf({ read, input }: StepContext<SyncInput>): Promise<readonly string[]> {
  const [profile] = await read.query<Wanted>(wanted, [input.profileId]);
  const asked = await read.query<AskedPeriod>(askedBefore, [input.contractId]);
  return periodsToAsk({ ...profile!, asked, force: input.force });
}

async function readPeriod(
  { subject, context }: Reading,
  services: RoutItServices,
  connection: Connection,
  period: string,
): Promise<ListedPeriod> {
  const reseller = subject.account;
  try {
    const pages: OverviewPage[] = [];
    for (let page = 1; page <= (pages[0]?.pages ?? 1); page += 1) {
      pages.push(await readOverview(await askPage(connection, period, page), { reseller, period, page }));
      if (pages[0]!.pages > mostPages)
        throw new OverviewError(`the overview of ${period} says it has ${pages[0]!.pages} pages`);
    }
    return agreed(pages, { base: connection.base, reseller, period });
  } catch (error) {
    if (!(error instanceof OverviewError)) throw error;
    const message = `the overview of ${subject.customer}/${subject.profile} for ${period} was not used: ${error.message}`;
    const level = error.strange ? 'critical' : 'warning';
    services.alerts.raise({ rule: 'routit.overview', subject: `profile ${context.input.profileId}`, level, message });
    throw new TransportError('unavailable', error.message, { cause: error });
  }
}

async function askPage(connection: Connection, period: string, page: number): Promise<Buffer> {
  const url = new URL(connection.base.replace(/\/+$/, '') + overviewPath);
  const response = await connection.ask({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/xml; charset=utf-8', accept: 'application/xml' },
    body: overviewRequest(period, page),
  });
  const type = response.headers['content-type'] ?? 'nothing';
  if (!/^(application|text)\/xml\b/.test(type)) {
    response.destroy();
    throw new TransportError('unavailable', `${url.host} answered an overview with ${type} instead of XML`);
  }
  return bodyOf(response, url, maxPageBytes, connection.silenceMs);
}

function agreed(
  pages: readonly OverviewPage[],
  of: { readonly base: string; readonly reseller: string; readonly period: string },
): ListedPeriod {
  const { records, netE8 } = pages[0]!;
  const customers = new Map<string, Listed>();
  for (const one of pages.flatMap((page) => page.customers)) {
    const known = customers.get(one.customerNo);
    if (known && JSON.stringify(known) !== JSON.stringify(one)) {
      throw new OverviewError(`customer ${one.customerNo} stands twice in ${of.period}, with different values`);
    }
    customers.set(one.customerNo, one);
  }
  const list = [...customers.values()];
  const sumOf = (field: 'records' | 'netE8') => list.reduce((sum, one) => sum + one[field], 0);
  if (sumOf('records') !== records || sumOf('netE8') !== netE8 || pages.some((page) => page.netE8 !== netE8)) {
    throw new OverviewError(
      `its ${list.length} customers of ${of.period} have ${sumOf('records')} records and ${sumOf('netE8')} (1e-8 EUR) together, the month ${records} and ${netE8}; the pages may have moved while they were read`,
    );
  }
  return {
    period: of.period,
    records,
    netE8,
    customers: list.map((one) => {
      const link = chargesLink(one.url, { ...of, customerNo: one.customerNo });
      const refusal = typeof link === 'string' ? link : null;
      const name = typeof link === 'string' ? `charges of ${one.customerNo}, ${of.period}` : link.name;
      return { ...one, name, refusal };
    }),
  };
}

function reportLinks({ alerts }: RoutItServices, customer: string, periods: readonly ListedPeriod[]): void {
  for (const { period, customers } of periods) {
    for (const { customerNo, refusal } of customers) {
      const subject = `${customer}/${customerNo}/${period}`;
      if (refusal === null) alerts.resolve('routit.link', subject);
      else {
        const message = `the charges of end customer ${customerNo} for ${period} were not fetched: ${refusal}`;
        alerts.raise({ rule: 'routit.link', subject, level: 'critical', message });
      }
    }
  }
}
