/**
 * A session with an API: JSON documents, with the credential of a profile. It asks for leave before every request. A token is
 * kept for the next session and renewed before its end; one that is refused in the middle is renewed exactly once. What the
 * API says becomes an effect: credentials refused (`refused`), patience asked for (`limited`, with the time it named),
 * everything else that is no document (`unavailable`). Nothing is retried here.
 */
import type { AccessToken, ProviderSession } from '../session.ts';
import type { DiscoverPages } from '../spec/discover.ts';
import { type HttpAnswer, httpRequest } from './http-request.ts';
import { at, parseExactly, scalar } from './json-value.ts';
import { patienceOf } from './patience.ts';
import type { RestDescription } from './rest-description.ts';
import { TransportError } from './transport.ts';
import { unpacked } from './unpacked.ts';

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
  /** Undefined for another status than 200. A number that no double holds is the text that it is. */
  readonly value: unknown;
}

export interface RestSession {
  /** `also`: statuses that are an answer, besides 200. */
  get(path: string, query: Readonly<Record<string, string>>, also?: readonly number[]): Promise<JsonDocument>;
}

/** A wait up to here is waited out in the step; a longer one in the database. */
const shortWaitMs = 1_500;
/** How long a token is used of which nobody says how long it lives, and any at least. */
const unknownLifeMs = 30_000;
const shortestLifeMs = 1_000;
/** Of the answers to a login, those that say nothing about the credential. */
const notOfCredential = new Set([408, 421, 425]);

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
      const afterMs = patienceOf(answer.headers, Date.now());
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
    if (answer.status >= 400 && answer.status < 500 && !notOfCredential.has(answer.status)) {
      session.keepToken(null);
      const what = `${url.origin} refused the credential of client ${clientId}: ${answer.status}${errorIn(answer)}`;
      throw new TransportError('refused', what, { ofCredential: true });
    }
    if (answer.status !== 200) throw noDocument(url, `has the status ${answer.status}${errorIn(answer)}`);
    const { value: said } = await documentIn(answer, url);
    const value = at(said, 'access_token');
    if (typeof value !== 'string' || value === '') throw noDocument(url, 'has no access_token');
    const lifeMs = Number(scalar(at(said, 'expires_in'))) * 1_000;
    // one that lives hardly longer than the margin is used for half of its life
    const usedMs = lifeMs > 0 ? Math.max(lifeMs - marginMs, lifeMs / 2, shortestLifeMs) : unknownLifeMs;
    const made = { value, untilMs: nowMs() + usedMs };
    session.keepToken(made);
    return made;
  }

  /** An OAuth2 error's own words, without numbers and what was told in confidence; anything else a server says is not repeated. */
  function errorIn({ body, headers }: HttpAnswer): string {
    if (!/json/i.test(headers['content-type'] ?? '') || body.length > 10_000) return '';
    const { clientSecret, password, apiKey } = description;
    const secrets = [clientSecret, password, apiKey].flatMap((one) => (one ? options.resolve(one) : []));
    try {
      const { error, error_description: why } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
      return [error, why]
        .filter((text) => typeof text === 'string')
        .map((text) => `, ${withoutSecrets(text, [...secrets, token?.value ?? '']).slice(0, 200)}`)
        .join('');
    } catch {
      return '';
    }
  }

  /** Strict: an HTML page with status 200, invalid UTF-8 and half a document are no answer (F03, F09). */
  async function documentIn(answer: HttpAnswer, url: URL): Promise<JsonDocument> {
    const type = answer.headers['content-type'] ?? 'no content-type';
    if (!/^application\/([\w.+-]+\+)?json\b/i.test(type)) throw noDocument(url, `is ${type.slice(0, 60)}, not JSON`);
    const bytes = await unpacked(answer, `the answer of ${url.origin}${url.pathname}`, spec.maxPageBytes);
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      return { status: answer.status, bytes, value: parseExactly(text) };
    } catch (error) {
      throw noDocument(url, error instanceof SyntaxError ? 'is no whole JSON document' : 'is not UTF-8', error);
    }
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
      if (also.includes(answer.status)) return { status: answer.status, bytes: answer.body, value: undefined };
      if (answer.status !== 200) {
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

function noDocument(url: URL, what: string, cause?: unknown): TransportError {
  return new TransportError('unavailable', `the answer of ${url.origin}${url.pathname} ${what}`, { cause });
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  const hidden = secrets.filter((one) => one !== '').reduce((rest, one) => rest.replaceAll(one, '***'), text);
  return hidden.replaceAll(/\d(?:[ ().-]{0,2}\d){8,}/g, '***');
}
