/**
 * T_MOBILE's REST API as Calvi would offer it: a token by client credentials, the client's accounts, and their usage by
 * window and cursor, up to 1,000 items a page. Tokens end after 300 s and cursors after 600 s of the simulated clock.
 */
import { createHash } from 'node:crypto';
import type { Account } from '../account.ts';
import type { Calendar } from '../calendar.ts';
import { callTrouble, type FaultMenu } from '../http/call-faults.ts';
import { json, type Reply } from '../http/reply.ts';
import type { Call, Endpoint } from '../http/server.ts';
import { itemOf, startedAt } from './item.ts';
import { pageReply, usageFaults } from './item-faults.ts';
import { shownVersions, type UsageItem } from './usage.ts';

export interface TMobileApi {
  calendar: Calendar;
  accounts: readonly { account: Account; items: readonly UsageItem[] }[];
  clientSecret: string;
  pageSize: number;
  /** The provider's clock, UTC seconds. */
  nowS(): number;
  isSettled(): boolean;
}

export const tMobileFaults: FaultMenu = {
  'T_MOBILE.token': { F01: ['invalid-grant', 'locked', 'expired-password'], ...callTrouble, F21: ['skew'] },
  'T_MOBILE.accounts': { F01: ['revoked'], ...callTrouble },
  'T_MOBILE.usage': { F01: ['revoked'], ...callTrouble, ...usageFaults },
};

const tokenLivesS = 300;
const cursorLivesS = 600;

export function clientIdOf(account: Account): string {
  return account.customer.toLowerCase();
}

export function tMobileEndpoints(api: TMobileApi): Endpoint[] {
  const tokens = new Map<string, { clientId: string; endsS: number }>();
  let issued = 0;

  function token({ headers, body, fault }: Call): Reply {
    const { clientId, clientSecret, grantType } = clientOf(headers.authorization, body);
    if (grantType !== 'client_credentials') return json(400, { error: 'unsupported_grant_type' });
    if (fault?.fault === 'F01') {
      const why = { locked: 'account locked', 'expired-password': 'password expired' }[fault.kind];
      return json(400, { error: 'invalid_grant', ...(why !== undefined && { error_description: why }) });
    }
    const known = api.accounts.some(({ account }) => clientIdOf(account) === clientId);
    if (clientId === null || !known || clientSecret !== api.clientSecret) return json(401, { error: 'invalid_client' });
    const text = createHash('sha256').update(`${clientId} ${++issued}`).digest('hex');
    const livesS = fault?.fault === 'F21' ? 0 : tokenLivesS;
    tokens.set(text, { clientId, endsS: api.nowS() + livesS });
    return json(200, { access_token: text, token_type: 'Bearer', expires_in: tokenLivesS });
  }

  /** The accounts that the call's token opens; a reply when it opens none. */
  function opened({ headers, fault }: Call): Reply | TMobileApi['accounts'] {
    const text = headers.authorization?.replace(/^Bearer /, '') ?? '';
    const found = tokens.get(text);
    if (fault?.fault === 'F01') tokens.delete(text);
    if (found === undefined || fault?.fault === 'F01' || api.nowS() >= found.endsS) {
      return json(401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' });
    }
    return api.accounts.filter(({ account }) => clientIdOf(account) === found.clientId);
  }

  function accounts(call: Call): Reply {
    const mine = opened(call);
    if ('status' in mine) return mine;
    const items = mine.map(({ account, items: [first] }) => ({
      id: account.account,
      name: account.name,
      activeSince: first === undefined ? null : startedAt(first.versions[0]!.usage.startS, api.calendar).slice(0, 10),
    }));
    return json(200, { items, next: null });
  }

  function usage(call: Call): Reply {
    const mine = opened(call);
    if ('status' in mine) return mine;
    const found = mine.find(({ account }) => account.account === call.groups[0]);
    if (found === undefined) return json(404, { error: 'unknown_account' });
    const { searchParams } = call.url;
    const cursor = cursorIn(searchParams.get('cursor'));
    const from = cursor?.from ?? searchParams.get('from') ?? '';
    const to = cursor?.to ?? searchParams.get('to') ?? '';
    const [fromS, toS] = [instantOf(from, api.calendar), instantOf(to, api.calendar)];
    if (Number.isNaN(fromS + toS)) return json(400, { error: 'from and to must be dates or times with an offset' });
    const hasExpired = cursor !== null && api.nowS() >= cursor.issuedS + cursorLivesS;
    if (hasExpired || (cursor !== null && call.fault?.kind === 'expired-cursor'))
      return json(410, { error: 'cursor_expired' });
    const all = found.items
      .flatMap((item) => shownVersions(item, api.isSettled()).map((version) => ({ id: item.id, version })))
      .filter(({ version }) => version.usage.startS >= fromS && version.usage.startS < toS);
    const at = cursor?.at ?? 0;
    const end = at + api.pageSize;
    const next = end < all.length ? textOf({ from, to, at: end, issuedS: api.nowS() }) : null;
    const page = {
      account: found.account.account,
      total: all.length,
      items: all.slice(at, end).map(({ id, version }) => itemOf(id, version, api.calendar)),
      next,
      asOf: startedAt(api.nowS(), api.calendar),
    };
    const contractFromS = api.calendar.instantOf(`${found.account.validFrom}T00:00:00`);
    return pageReply(page, call.fault, startedAt(contractFromS - 1, api.calendar));
  }

  return [
    { at: 'T_MOBILE.token', method: 'POST', path: /^\/oauth\/token$/, answer: token },
    { at: 'T_MOBILE.accounts', method: 'GET', path: /^\/v2\/accounts$/, answer: accounts },
    { at: 'T_MOBILE.usage', method: 'GET', path: /^\/v2\/accounts\/(\d+)\/usage$/, answer: usage },
  ];
}

/** Id and secret stand in the form or in a Basic header (RFC 6749, 2.3.1). */
function clientOf(authorization: string | undefined, body: string) {
  const form = new URLSearchParams(body);
  const grantType = form.get('grant_type');
  const basic = /^Basic (.+)$/.exec(authorization ?? '')?.[1];
  if (basic === undefined)
    return { clientId: form.get('client_id'), clientSecret: form.get('client_secret'), grantType };
  const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString('utf8').split(/:(.*)/s);
  return { clientId: decodeURIComponent(id), clientSecret: decodeURIComponent(secret), grantType };
}

interface Cursor {
  from: string;
  to: string;
  at: number;
  issuedS: number;
}

function textOf(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Null when there is none; one that nobody issued starts nowhere and is treated as expired. */
function cursorIn(text: string | null): Cursor | null {
  if (text === null || text === '') return null;
  try {
    const { from, to, at, issuedS } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Cursor;
    return { from: String(from), to: String(to), at: Number(at), issuedS: Number(issuedS) };
  } catch {
    return { from: '2000-01-01', to: '2000-01-02', at: 0, issuedS: 0 };
  }
}

/** A local date, or a time with an offset. */
function instantOf(text: string, calendar: Calendar): number {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return calendar.instantOf(`${text}T00:00:00`);
  return /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) / 1000 : Number.NaN;
}
