/**
 * A preview as lines of JSON, as far as they are. It has a line at least every few seconds, so that whoever waits knows that it
 * works; a reader who goes away, or takes nothing for a minute, ends the pass on all its threads. What fails is the last line.
 */
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { Preview, PreviewMeans } from './preview.ts';
import type { PreviewLine } from './views.ts';

const slowReaderMs = 60_000;
const signEveryMs = 5_000;

export interface StreamOptions {
  /** Runs the preview with what the stream gives it. */
  readonly work: (means: Pick<PreviewMeans, 'signal' | 'onProgress'>) => Promise<Preview>;
  /** What of an error is shown. */
  readonly shown: (error: unknown) => { readonly code: string; readonly message: string };
  /** The pass has ended, however it did. */
  readonly ended: () => void;
  /** Default 5,000. */
  readonly signEveryMs?: number;
}

export function streamPreview({ work, shown, ended, ...options }: StreamOptions): Readable {
  const body = new PassThrough();
  const gone = new AbortController();
  body.once('close', () => gone.abort(new Error('whoever asked for the preview is gone')));
  body.on('error', () => {});
  let progress = { done: 0, total: 0 };
  // not waited for: a few lines fit, and a reader who takes none is noticed by the rows
  const sign = () => void (body.writableNeedDrain || body.write(textOf({ progress })));
  const every = setInterval(sign, options.signEveryMs ?? signEveryMs);
  let told = 0;

  async function run(): Promise<void> {
    const { rows, end } = await work({
      signal: gone.signal,
      onProgress(done, total) {
        progress = { done, total };
        const percent = total === 0 ? 0 : Math.floor((done / total) * 100);
        if (percent === told) return;
        told = percent;
        sign();
      },
    });
    clearInterval(every);
    for (const row of rows) await send({ row });
    await send({ end });
  }

  async function send(line: PreviewLine): Promise<void> {
    if (body.write(textOf(line))) return;
    await once(body, 'drain', { signal: AbortSignal.any([gone.signal, AbortSignal.timeout(slowReaderMs)]) });
  }

  run()
    .catch((error: unknown) => {
      if (!gone.signal.aborted) body.write(textOf({ error: shown(error) }));
    })
    .finally(() => {
      clearInterval(every);
      ended();
      body.end();
    });
  return body;
}

function textOf(line: PreviewLine): string {
  return `${JSON.stringify(line)}\n`;
}
