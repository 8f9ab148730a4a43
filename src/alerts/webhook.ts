/**
 * Alerts as a JSON POST: `{ "source": "linekeeper", "status": …, "rule": …, … }`. Any 2xx answer means taken; its body is
 * not read. Redirects are not followed. The URL often is a secret itself, so names and errors show its host only.
 */
import { type Channel, ChannelRefusedError, type Notice } from './channel.ts';

export interface WebhookOptions {
  readonly url: string;
  /** For the whole exchange. Default 5,000 ms. */
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Throws when the URL is none, or not http or https. */
export function webhookChannel({ url, timeoutMs = 5_000, headers = {} }: WebhookOptions): Channel {
  const target = URL.parse(url);
  if (!target || (target.protocol !== 'http:' && target.protocol !== 'https:')) {
    throw new Error('the webhook URL of an alert channel must begin with http:// or https://');
  }
  const name = `webhook ${target.host}`;
  return {
    name,
    async send(notice: Notice, signal: AbortSignal): Promise<void> {
      let response: Response;
      try {
        response = await fetch(target, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'linekeeper', ...headers },
          body: JSON.stringify({ source: 'linekeeper', ...notice }),
          redirect: 'manual',
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
      } catch (error) {
        throw new Error(`${name} did not answer: ${reasonOf(error, timeoutMs)}`, { cause: error });
      }
      await response.body?.cancel();
      if (response.ok) return;
      const said = `${name} answered ${response.status}`;
      const mayChange = response.status >= 500 || response.status === 408 || response.status === 429;
      throw mayChange ? new Error(said) : new ChannelRefusedError(`${said}; check the channel's address and key`);
    },
  };
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing within ${timeoutMs} ms`;
  const cause = error.cause;
  return cause instanceof Error ? ((cause as { code?: string }).code ?? cause.message) : error.message;
}
