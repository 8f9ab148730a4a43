/**
 * An API of a test's own on loopback, a provider that is described for it, and the interpreter's chain on a real database. The
 * API keeps what it was asked; `answers` stand in for what it would say, one for each request. Chains that wait for a time are
 * told that it has come.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AlertInput } from '../../../src/alerts/alerts.ts';
import { openArchive } from '../../../src/archive/archive.ts';
import { openComputePool } from '../../../src/compute/open-pool.ts';
import { applyCustomers } from '../../../src/customers/apply.ts';
import { buildChain } from '../../../src/providers/interpreter/build-chain.ts';
import type { SessionResult } from '../../../src/providers/session.ts';
import { adapterSpec } from '../../../src/providers/spec/adapter.ts';
import { openRest } from '../../../src/providers/transports/rest.ts';
import { loadTariff } from '../../../src/totals/tariff-store.ts';
import { type Harness, harness, until } from '../../chains/harness.ts';
import type { Certificate } from '../../support/certificate.ts';

export const pageSize = 2;
export const secret = 'a-secret-of-tests';
const account = '0000000701';

/** True: it has answered. */
export type Answer = (response: ServerResponse, url: URL) => true | undefined;

export interface Api {
  readonly port: number;
  /** `path?query`, without the times of the window, and the credential. */
  readonly asked: { where: string; credential: string }[];
  answers: Answer[];
  /** How many calls there are to tell of. */
  items: number;
  close(): Promise<void>;
}

export async function openApi(tls?: Certificate): Promise<Api> {
  const answer: RequestListener = (request, response) => {
    const url = new URL(request.url!, 'http://localhost');
    const { from, to, ...rest } = Object.fromEntries(url.searchParams);
    const where = `${url.pathname} ${new URLSearchParams(rest)}`.trim();
    const { 'x-key': key, authorization } = request.headers;
    const credential = key === undefined ? String(authorization) : `key ${String(key)}`;
    api.asked.push({ where, credential });
    if (api.answers.shift()?.(response, url)) return;
    const at = Number(rest.skip ?? rest.cursor ?? 0);
    const end = Math.min(at + pageSize, api.items);
    const items = callsOf(from!, api.items).slice(at, end);
    const next = end < api.items ? String(end) : null;
    json(response, 200, { items, total: api.items, next });
  };
  const server = tls ? createTlsServer(tls, answer) : createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  const api: Api = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    answers: [],
    items: 5,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

export function json(response: ServerResponse, status: number, body: unknown): true {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  return true;
}

/** The calls of a window that begins at `from`, one in each minute. */
export function callsOf(from: string, calls: number): object[] {
  return Array.from({ length: calls }, (_, index) => {
    const start = new Date(Date.parse(from) + 60_000 * (index + 1)).toISOString();
    return { id: `n${index}`, who: '+31612345678', start, seconds: 60, what: 'mobile', cost: '0.1000' };
  });
}

const layout = {
  files: {
    name: '^(?<account>[^_]+)_(?<from>[^_]+)_(?<to>[^_]+)_(?<read>[^_]+)_(?<page>[0-9]{4,})\\.json$',
    nameShown: '<account>_<from>_<to>_<read>_<page>.json',
    encoding: 'utf-8',
    framing: { kind: 'json', items: 'items' },
    logicalKey: ['account', 'from', 'to', 'read', 'page'],
  },
  records: {
    types: [
      {
        name: 'call',
        kind: 'voice',
        fields: [
          { to: 'id', from: 'id', as: 'text' },
          { to: 'msisdn', from: 'who', as: 'msisdn' },
          { to: 'start', from: 'start', as: 'iso' },
          { to: 'seconds', from: 'seconds', as: 'int' },
          { to: 'code', from: 'what', as: 'text' },
          { to: 'amount', from: 'cost', as: 'dec' },
        ],
      },
    ],
    codes: { mobile: { category: 'national-mobile' } },
  },
};

const cursor = {
  style: 'cursor',
  parameter: 'cursor',
  next: 'next',
  items: 'items',
  total: 'total',
  account: 'account',
};
const offset = { style: 'offset', parameter: 'skip', size: pageSize, items: 'items', total: 'total' };

export const provider = (auth: object, style: 'cursor' | 'offset') =>
  adapterSpec.parse({
    syncType: 'PAGES',
    chain: {
      name: 'pages',
      steps: [
        { name: 'sync', does: ['fetch', 'import'] },
        { name: 'totals', does: ['rate', 'totals'] },
      ],
    },
    discover: {
      ...{ kind: 'pages', transports: ['rest'], auth, path: '/usage', query: { from: '{from}', to: '{to}' } },
      window: { firstDays: 1, overlapDays: 1, maxDays: 31 },
      ...{ page: style === 'cursor' ? cursor : offset, identity: { id: 'id' }, firstByteMs: 1_000, wholeMs: 400 },
    },
    layout,
  });

export interface Ended {
  readonly state: string;
  readonly reason: string | null;
}

export interface ApiWorld {
  readonly h: Harness;
  /** The message of what is open of a rule. */
  alert(rule: string): string | undefined;
  /** What the open ones of a rule are about. */
  alertsOf(rule: string): string[];
  readonly released: SessionResult[];
  /** Of a customer of its own, whose profile has this transport; its suspension and what it has read are forgotten. */
  connect(transport: object): Promise<void>;
  /** Runs a sync to its end. `perhaps`: looks at every state that it waits in, with why. */
  sync(auth: object, style: 'cursor' | 'offset', perhaps?: (waiting: string) => void): Promise<Ended>;
  /** Active records of the present customer. */
  records(): Promise<number>;
  suspended(): Promise<string | null>;
  /** Active records of a kind that nobody knows. */
  unknown(): Promise<number>;
  openQuarantine(): Promise<number>;
  /** An hour after the last sync began, or sooner. */
  dueInMinutes(): Promise<number>;
  /** Of all its cycles. */
  purgeBegan(has: boolean): Promise<void>;
  close(): Promise<void>;
}

export async function openApiWorld(): Promise<ApiWorld> {
  const h = await harness();
  const directory = mkdtempSync(join(tmpdir(), 'pages-'));
  const compute = openComputePool({ threads: 1 });
  const alerts = new Map<string, { rule: string; subject: string; message: string }>();
  const released: SessionResult[] = [];
  const archive = await openArchive(directory, {
    expectedId: null,
    randomId: () => crypto.randomUUID(),
    nowMs: Date.now,
  });
  const page = readFileSync(join(import.meta.dirname, '../../../docs/tariff.md'), 'utf8');
  const tariff = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)![1]!) as { tariff: string };
  await h.database.transaction((tx) => loadTariff(tx, tariff));
  let customers = 0;

  const services = {
    archive,
    compute,
    alerts: {
      raise: (one: AlertInput) => void alerts.set(`${one.rule} ${one.subject}`, one),
      resolve: (rule: string, subject: string) => void alerts.delete(`${rule} ${subject}`),
      flush: async () => {},
    },
    openTransport: () => Promise.reject(new Error('it has no files')),
    openRest: (...[description, spec, session, signal]: Parameters<Parameters<typeof buildChain>[1]['openRest']>) =>
      openRest({
        ...{ description, spec, session, signal },
        resolve: () => secret,
        readFile: (path) => readFileSync(path, 'utf8'),
        nowMs: () => performance.now(),
        sleep: (ms, aborted) => delay(ms, undefined, { signal: aborted }),
      }),
    acquireSession: async () => ({
      kind: 'granted' as const,
      session: {
        permit: async () => ({ kind: 'granted' as const }),
        pauseAll: async () => {},
        token: null,
        keepToken() {},
        release: (result: SessionResult) => void released.push(result),
      },
    }),
  };
  const code = () => `C${customers}`;
  const of = <T extends object>(sql: string) => h.database.query<T>(sql, [code()]);
  const profileOf = `from sync_profile p join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id where c.code = $1`;

  return {
    h,
    alert: (rule) => [...alerts.values()].find((one) => one.rule === rule)?.message,
    alertsOf: (rule) => [...alerts.values()].filter((one) => one.rule === rule).map(({ subject }) => subject),
    released,
    async connect(transport) {
      customers += 1;
      const profile = { name: 'api', syncType: 'PAGES', transport: { kind: 'rest', ...transport } };
      const contract = { provider: 'PAGES', account, tariff: tariff.tariff, profiles: [profile] };
      const document = { customers: [{ code: code(), name: 'One', contracts: [contract] }] };
      await h.database.transaction((tx) => applyCustomers(tx, document));
    },
    async sync(auth, style, perhaps = () => {}) {
      const definition = buildChain(provider(auth, style), services);
      const engine = h.engine([definition]);
      const [profile] = await of<{ id: string; contract: string }>(
        `select p.id, p.contract_id as contract ${profileOf}`,
      );
      const [task] = await h.database.query<{ id: string }>(
        `insert into sync_task (profile_id, requested_by, cycle_start) values ($1, 'test', current_date) returning id`,
        [profile!.id],
      );
      await h.database.query(`update sync_profile set next_due = now() + interval '1 hour' where id = $1`, [
        profile!.id,
      ]);
      const input = { syncTaskId: task!.id, profileId: profile!.id, contractId: profile!.contract, force: false };
      const { chainId } = await h.enqueueWith([definition])(h.database, definition, input);
      const ended = await until(
        async () => {
          const [row] = await h.database.query<Ended>('select state, reason from chain where id = $1', [chainId]);
          if (row!.state === 'timer') {
            perhaps(String(row!.reason));
            await h.database.query(`update chain set run_at = now() where id = $1 and state = 'timer'`, [chainId]);
          }
          return row!;
        },
        ({ state }) => ['succeeded', 'failed', 'dead'].includes(state),
        20_000,
      );
      await engine.stop(1_000);
      return ended;
    },
    async records() {
      const [row] = await of<{
        n: number;
      }>(`select count(*)::int as n from cdr d join contract k on k.id = d.contract_id
        join customer c on c.id = k.customer_id where c.code = $1 and d.state = 'active'`);
      return row!.n;
    },
    async purgeBegan(has) {
      await h.database.query(
        `update cycle y set purge_begun_at = case when $2 then now() end from contract k join customer c on c.id = k.customer_id
         where k.id = y.contract_id and c.code = $1`,
        [code(), has],
      );
    },
    async suspended() {
      const [row] = await of<{ why: string | null }>(`select p.suspended_reason as why ${profileOf}`);
      return row!.why;
    },
    async unknown() {
      const [row] = await of<{ n: number }>(`select count(*)::int as n from rated_cdr r join cdr d on d.id = r.cdr_id
        join contract k on k.id = d.contract_id join customer c on c.id = k.customer_id
        where c.code = $1 and d.state = 'active' and r.reason = 'unknown-call-code'`);
      return row!.n;
    },
    async openQuarantine() {
      const [row] = await of<{
        n: number;
      }>(`select count(*)::int as n from quarantine q join raw_file f on f.id = q.raw_file_id
        join contract k on k.id = f.contract_id join customer c on c.id = k.customer_id where c.code = $1 and q.state = 'open'`);
      return row!.n;
    },
    async dueInMinutes() {
      const [row] = await of<{ n: number }>(
        `select round(extract(epoch from p.next_due - now()) / 60)::int as n ${profileOf}`,
      );
      return row!.n;
    },
    async close() {
      await compute.close();
      await h.close();
      rmSync(directory, { recursive: true });
    },
  };
}
