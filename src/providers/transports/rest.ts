/**
 * A session with an API: JSON documents, with the credential of a profile. It asks for leave before every request. A token is
 * kept for the next session and renewed before its end; one that is refused in the middle is renewed exactly once. What the
 * API says becomes an effect: credentials refused (`refused`), patience asked for (`limited`, with the time it named),
 * everything else that is no document (`unavailable`). Nothing is retried here.
 */
import type { AccessToken, ProviderSession } from '../session.ts';
import type { DiscoverPages } from '../spec/discover.ts';
import { type HttpAnswer, httpRequest } from './http-request.ts';
import type { RestDescription } from './rest-description.ts';
import { TransportError } from './transport.ts';

export interface RestOptions {
  readonly description: RestDescription;
  readonly spec: Pick<DiscoverPages, 'auth' | 'firstByteMs' | 'wholeMs' | 'maxPageBytes'>;
  readonly session: ProviderSession;
  readonly resolve: (reference: NonNullable<RestDescription['apiKey']>) => string;
  readonly readFile: (path: string) => string;
  readonly signal: AbortSignal;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** For a wait that is so short that the step need not be left. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export interface JsonDocument {
  readonly status: number;
  readonly bytes: Buffer;
  readonly value: unknown;
}

export interface RestSession {
  /** `also`: statuses that are an answer, besides 200. */
  get(path: string, query: Readonly<Record<string, string>>, also?: readonly number[]): Promise<JsonDocument>;
}

/** A wait up to here is waited out in the step; a longer one in the database. */
const shortWaitMs = 1_500;
/** When an API says 429 and not for how long. */
const usualPatienceMs = 30_000;
const longestPatienceMs = 3_600_000;

export function openRest(options: RestOptions): RestSession {
  const { description, spec, session, signal, nowMs } = options;
  const ca = description.caFile === undefined ? {} : { ca: options.readFile(description.caFile) };
  let token: AccessToken | null = session.token;
  let renewed = false;

  async function ask(question: { method: 'GET' | 'POST'; url: URL; headers: Record<string, string>; body?: string }) {
    for (;;) {
      const permit = await session.permit();
      if (permit.kind === 'granted') break;
      if (permit.afterMs > shortWaitMs) throw new TransportError('limited', permit.reason, { afterMs: permit.afterMs });
      await options.sleep(permit.afterMs, signal);
    }
    const { firstByteMs, wholeMs, maxPageBytes: maxBytes } = spec;
    const answer = await httpRequest({ ...question, ...ca, firstByteMs, wholeMs, maxBytes, signal });
    if (answer.status === 429 || (answer.status === 503 && answer.headers['retry-after'] !== undefined)) {
      const afterMs = patienceOf(answer.headers['retry-after']);
      const why = `${question.url.origin} asked for patience (${answer.status})`;
      await session.pauseAll(afterMs, why);
      throw new TransportError('limited', why, { afterMs });
    }
    return answer;
  }

  async function authorization(): Promise<Record<string, string>> {
    if (spec.auth.kind === 'apikey') return { [spec.auth.header]: options.resolve(description.apiKey!) };
    if (spec.auth.kind === 'basic') {
      return { authorization: basic(description.user!, options.resolve(description.password!)) };
    }
    if (!token || token.untilMs <= nowMs())
      token = await login(spec.auth.tokenPath, spec.auth.scope, spec.auth.marginMs);
    return { authorization: `Bearer ${token.value}` };
  }

  async function login(path: string, scope: string | undefined, marginMs: number): Promise<AccessToken> {
    const url = urlOf(description.base, path, {});
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) });
    const { clientId, clientSecret } = description;
    const headers = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      // RFC 6749, 2.3.1: form-encoded before it is made Basic
      authorization: basic(encodeURIComponent(clientId!), encodeURIComponent(options.resolve(clientSecret!))),
    };
    const answer = await ask({ method: 'POST', url, headers, body: form.toString() });
    if (answer.status >= 400 && answer.status < 500) {
      session.keepToken(null);
      const what = `${url.origin} refused the credential of client ${clientId}: ${answer.status}${errorIn(answer)}`;
      throw new TransportError('refused', what, { ofCredential: true });
    }
    const { access_token: value, expires_in: livesS } = documentIn(answer, url).value as Record<string, unknown>;
    if (typeof value !== 'string' || value === '') throw noDocument(url, 'has no access_token');
    const lifeMs = typeof livesS === 'number' && livesS > 0 ? livesS * 1_000 : marginMs * 2;
    // one that lives hardly longer than the margin is used for half of its life
    const made = { value, untilMs: nowMs() + Math.max(lifeMs - marginMs, lifeMs / 2) };
    session.keepToken(made);
    return made;
  }

  return {
    async get(path, query, also = []) {
      const url = urlOf(description.base, path, query);
      const get = async () =>
        ask({ method: 'GET', url, headers: { accept: 'application/json', ...(await authorization()) } });
      let answer = await get();
      if (answer.status === 401 && spec.auth.kind === 'oauth2cc' && !renewed) {
        renewed = true;
        token = null;
        answer = await get();
      }
      if (answer.status === 401 || answer.status === 403) {
        session.keepToken(null);
        const what = `${url.origin}${url.pathname} refused the credential: ${answer.status}${errorIn(answer)}`;
        throw new TransportError('refused', what, { ofCredential: answer.status === 401 });
      }
      if (answer.status !== 200 && !also.includes(answer.status)) {
        throw new TransportError(
          'unavailable',
          `GET ${url.origin}${url.pathname} answered ${answer.status}${errorIn(answer)}`,
        );
      }
      return documentIn(answer, url);
    },
  };
}

function urlOf(base: string, path: string, query: Readonly<Record<string, string>>): URL {
  const url = new URL(base.replace(/\/$/, '') + path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** Seconds or a date (RFC 9110, 10.2.3), within an hour. */
function patienceOf(retryAfter: string | undefined): number {
  if (retryAfter === undefined) return usualPatienceMs;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestPatienceMs) : usualPatienceMs;
}

/** Strict: an HTML page with status 200, invalid UTF-8 and half a document are no answer (F03, F09). */
function documentIn(answer: HttpAnswer, url: URL): JsonDocument {
  const type = answer.headers['content-type'] ?? 'no content-type';
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type)) throw noDocument(url, `is ${type.slice(0, 60)}, not JSON`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(answer.body);
    return { status: answer.status, bytes: answer.body, value: JSON.parse(text) };
  } catch (error) {
    throw noDocument(url, error instanceof SyntaxError ? 'is no whole JSON document' : 'is not UTF-8', error);
  }
}

function noDocument(url: URL, what: string, cause?: unknown): TransportError {
  return new TransportError('unavailable', `the answer of ${url.origin}${url.pathname} ${what}`, { cause });
}

/** An OAuth2 error's own words; anything else a server says is not repeated. */
function errorIn({ body, headers }: HttpAnswer): string {
  if (!/json/i.test(headers['content-type'] ?? '') || body.length > 10_000) return '';
  try {
    const { error, error_description: description } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    return [error, description]
      .filter((text) => typeof text === 'string')
      .map((text) => `, ${text.slice(0, 200)}`)
      .join('');
  } catch {
    return '';
  }
}
