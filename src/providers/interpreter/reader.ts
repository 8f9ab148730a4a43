/** How a provider's usage is read, by the way in which its description says that it is found. */
import { abortable } from '../abortable.ts';
import type { Adapter } from '../spec/adapter.ts';
import type { DiscoverFiles, DiscoverPages } from '../spec/discover.ts';
import { type FileTransportDescription, fileTransportSchema } from '../transports/open-transport.ts';
import { credentialKindsOf, type RestDescription, restDescription } from '../transports/rest-description.ts';
import { type Transport, TransportError } from '../transports/transport.ts';
import type { Read, Reading } from './fetch.ts';
import { fetchFiles } from './fetch-files.ts';
import { fetchPages } from './fetch-pages.ts';
import { nameParser } from './file-name.ts';
import { rememberPending } from './found-files.ts';

export function readerOf(adapter: Adapter): Read {
  const { discover } = adapter;
  switch (discover.kind) {
    case 'files':
      return directoryReader(adapter, discover);
    case 'pages':
      return pageReader(adapter, discover);
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
      const fetch = { services, subject, context, parse, files: adapter.layout.files, ready: discover.ready };
      const found = await abortable(fetchFiles(fetch, transport), context.signal);
      return { found, remember: (tx) => rememberPending(tx, context.input, subject, found) };
    } finally {
      await transport
        ?.close()
        .catch((error: Error) => context.log.warn({ err: error }, 'the transport did not close cleanly'));
    }
  };
}

function pageReader(adapter: Adapter, discover: DiscoverPages): Read {
  const parse = nameParser(adapter);
  return async (reading) => {
    const { services, session, context } = reading;
    const rest = services.openRest(restFor(adapter, discover, reading), discover, session, context.signal);
    return abortable(fetchPages({ reading, discover, parse, rest }), context.signal);
  };
}

function restFor(adapter: Adapter, discover: DiscoverPages, { subject }: Reading): RestDescription {
  const { data } = restDescription.safeParse(subject.transport);
  const who = `profile ${subject.customer}/${subject.profile}`;
  const wanted = discover.auth.kind;
  if (!data) {
    const { kind } = subject.transport as { kind?: unknown };
    throw new TransportError(
      'refused',
      `${who} has the transport ${String(kind)}, and ${adapter.syncType} comes by ${discover.transports.join(' or ')}; correct the customers document and apply it`,
    );
  }
  if (!credentialKindsOf(data).includes(wanted)) {
    const needs = { oauth2cc: 'clientId and clientSecret', apikey: 'apiKey', basic: 'user and password' }[wanted];
    throw new TransportError(
      'refused',
      `${who} needs ${needs} for ${adapter.syncType}; add them to the customers document`,
    );
  }
  return data;
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
