/**
 * `preview`: what a file would cost under a tariff. One at a time on a node, and on threads of its own: a pass holds its threads
 * until it ends, and a step of a chain is not to wait for one in the queue of the compute pool. The threads end with the preview,
 * however it ends. What is wrong with the request is told before the stream begins.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { errorAnswer } from '../admin/error-answer.ts';
import { ServiceError } from '../admin/service-error.ts';
import { type ComputePoolOptions, openComputePool } from '../compute/open-pool.ts';
import type { ComputePool } from '../compute/pool.ts';
import { sampleFile } from '../kernel/csv/sample-file.ts';
import { onPool } from '../kernel/side-by-side.ts';
import type { UsageLayout } from '../kernel/usage-layout.ts';
import { parseLayoutDocument } from '../preview/layout-document.ts';
import { type PreviewMeans, type PreviewRequest, preview } from '../preview/preview.ts';
import { readPreviewTariff } from '../preview/preview-tariff.ts';
import { providerLayout } from '../preview/provider-layout.ts';
import { streamPreview } from '../preview/stream-preview.ts';
import type { PreviewQuery } from '../preview/views.ts';
import type { ReportStream } from '../reports/stream-report.ts';
import type { ServiceContext } from './context.ts';

interface Context
  extends Pick<ServiceContext, 'database' | 'compute' | 'providers' | 'spoolDirectory' | 'taskMemoryMb' | 'log'> {
  /** Default `openComputePool`. */
  readonly openPool?: (options: ComputePoolOptions) => ComputePool;
}

export function previewServices(context: Context) {
  const { database, compute, providers, spoolDirectory, taskMemoryMb, log, openPool = openComputePool } = context;
  let running: string | null = null;

  async function begin(query: PreviewQuery): Promise<ReportStream> {
    const { file, numbers, numberMask } = query;
    const layout = query.layout === undefined ? layoutOf(query.provider) : parseLayoutDocument(query.layout);
    const tariff = await database.read((session) => readPreviewTariff(session, query.tariff, query.version));
    checkFile(file, layout);
    const { timeZone = tariff.timeZone } = query;
    const body = streamPreview({
      work: (stream) => onOwnThreads({ file, layout, tariff, timeZone, numberMask, numbers }, stream),
      shown(error) {
        const { body: answer, unforeseen } = errorAnswer(error);
        if (unforeseen) log.error({ error }, 'a preview failed');
        return answer.error;
      },
      ended() {
        running = null;
      },
    });
    return { contentType: 'application/x-ndjson; charset=utf-8', body };
  }

  async function onOwnThreads(request: PreviewRequest, stream: Pick<PreviewMeans, 'signal' | 'onProgress'>) {
    const threads = Math.max(1, compute.status().threads - 1);
    const keyMemory = threads * taskMemoryMb * 2 ** 20;
    const pool = openPool({ threads, maxOldGenerationMb: taskMemoryMb });
    try {
      return await preview(request, { run: onPool(pool), threads, keyMemory, spoolDirectory, ...stream });
    } finally {
      await pool.close();
    }
  }

  function layoutOf(syncType: string | undefined): UsageLayout {
    const found = providers.find(({ adapter }) => adapter.syncType === syncType);
    if (!found) {
      const names = providers.map(({ adapter }) => adapter.syncType).join(', ');
      throw new ServiceError('not-found', `no provider has the sync type ${syncType ?? '(none)'}; known: ${names}`);
    }
    const made = providerLayout(found.adapter.layout);
    if (made.ok) return made.layout;
    const reasons = made.reasons.join('; ');
    throw new ServiceError(
      'refused',
      `the files of ${syncType} cannot be previewed as they are: ${reasons}. Give a layout of your own: --layout FILE`,
    );
  }

  return {
    async preview(query: PreviewQuery): Promise<ReportStream> {
      if (running !== null) {
        throw new ServiceError('conflict', `a preview of ${running} is under way; ask again when it has ended`);
      }
      running = query.file;
      try {
        return await begin(query);
      } catch (error) {
        running = null;
        throw error;
      }
    },
  };
}

/** Throws `ServiceError` for a file that cannot be read, is packed, or lacks a column. */
function checkFile(path: string, layout: UsageLayout): void {
  try {
    if (!statSync(path).isFile()) throw new Error(`${path} is no file`);
    if (isPacked(path)) throw new Error(`${path} is packed (gzip); unpack it first`);
    sampleFile(path, layout);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined) throw new ServiceError('not-found', `${path} cannot be read by the service (${code})`);
    throw new ServiceError('refused', message, { cause: error });
  }
}

function isPacked(path: string): boolean {
  const begin = new Uint8Array(2);
  const file = openSync(path, 'r');
  try {
    readSync(file, begin);
  } finally {
    closeSync(file);
  }
  return begin[0] === 0x1f && begin[1] === 0x8b;
}
