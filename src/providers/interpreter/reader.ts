/** How a provider's usage is read, by the way in which its description says that it is found. */
import { abortable } from '../abortable.ts';
import type { Adapter } from '../spec/adapter.ts';
import type { DiscoverFiles } from '../spec/discover.ts';
import { type FileTransportDescription, fileTransportSchema } from '../transports/open-transport.ts';
import { type Transport, TransportError } from '../transports/transport.ts';
import type { Read, Reading } from './fetch.ts';
import { fetchFiles } from './fetch-files.ts';
import { nameParser } from './file-name.ts';
import { rememberPending } from './found-files.ts';

export function readerOf(adapter: Adapter): Read {
  const { discover } = adapter;
  switch (discover.kind) {
    case 'files':
      return directoryReader(adapter, discover);
    case 'pages':
      throw new Error('not yet');
  }
}

function directoryReader(adapter: Adapter, discover: DiscoverFiles): Read {
  const parse = nameParser(adapter);
  return async (reading) => {
    const { services, subject, context } = reading;
    let transport: Transport | null = null;
    try {
      // the session must come back although the server, or a directory on a dead one, never answers: there are only a few
      const opening = services.openTransport(describedFor(adapter, discover, reading), context.signal);
      transport = await abortable(opening, context.signal);
      const fetch = { services, subject, context, parse, ready: discover.ready };
      const found = await abortable(fetchFiles(fetch, transport), context.signal);
      return { found, remember: (tx) => rememberPending(tx, context.input, subject, found) };
    } finally {
      await transport
        ?.close()
        .catch((error: Error) => context.log.warn({ err: error }, 'the transport did not close cleanly'));
    }
  };
}

function describedFor(adapter: Adapter, discover: DiscoverFiles, { subject }: Reading): FileTransportDescription {
  const { data } = fileTransportSchema.safeParse(subject.transport);
  if (data && discover.transports.includes(data.kind)) return data;
  const { kind } = subject.transport as { kind?: unknown };
  throw new TransportError(
    'refused',
    `profile ${subject.customer}/${subject.profile} has the transport ${String(kind)}, and ${adapter.syncType} comes by ${discover.transports.join(' or ')}; correct the customers document and apply it`,
  );
}
