/**
 * The hosts of one database, in the order in which they are tried. User, password, TLS and the database's name are those of
 * the URL for all of them; `database.hosts` replaces the URL's own hosts, of which libpq's form knows several too
 * (`postgres://user@db1:5432,db2:5432/name`, or `?host=db1,db2&port=5432`). Names hold no secret: they are shown and logged.
 */

export interface HostPlace {
  /** A name, an address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
}

export interface DatabaseHost {
  /** Such as `db1:5432`. */
  readonly name: string;
  /** For pg: of this host alone. */
  readonly url: string;
}

const defaultPort = 5432;

/** Never empty. A URL that is not understood here stays as it is, for pg to refuse. */
export function hostsOf(url: string, places: readonly HostPlace[] = []): DatabaseHost[] {
  // up to the last @ before the path: a password may hold anything, also an @
  const match = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/?#]*)@)?([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?/i.exec(url);
  if (!match) return [{ name: 'database.url', url }];
  const [, scheme, login, authority, path = '', query = ''] = match;
  const parameters = new URLSearchParams(query);
  const found = places.length > 0 ? places : placesIn(authority!, parameters);
  if (places.length === 0 && found.length < 2) return [{ name: nameOf(found[0] ?? unnamed), url }];
  for (const name of ['host', 'hostaddr', 'port', 'target_session_attrs', 'load_balance_hosts'])
    parameters.delete(name);
  return found.map((place) => {
    const isSocket = place.host.startsWith('/');
    const own = new URLSearchParams(parameters);
    if (isSocket) {
      own.set('host', place.host);
      own.set('port', String(place.port));
    }
    const user = login === undefined ? '' : `${login}@`;
    const at = isSocket ? '' : `${bracketed(place.host)}:${place.port}`;
    const rest = own.size > 0 ? `?${own.toString().replaceAll('+', '%20')}` : '';
    return { name: nameOf(place), url: `${scheme}${user}${at}${path === '' ? '/' : path}${rest}` };
  });
}

/** `db1:5432,db2` as places: the form of LINEKEEPER_DATABASE_HOSTS. What is no host and port stays text, to be refused. */
export function parsePlaces(text: string): unknown {
  if (text.trimStart().startsWith('[{')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text.split(',').map((part) => placeOf(part.trim()) ?? part);
}

const unnamed: HostPlace = { host: 'localhost', port: defaultPort };

function nameOf({ host, port }: HostPlace): string {
  return `${bracketed(host)}:${port}`;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('/') ? `[${host}]` : host;
}

/** As libpq pairs them: one port for all hosts, or one for each. */
function placesIn(authority: string, parameters: URLSearchParams): HostPlace[] {
  const hosts = parameters.get('host')?.split(',');
  const ports = parameters.get('port')?.split(',') ?? [];
  if (!hosts) return authority.split(',').flatMap((part) => (part === '' ? [] : (placeOf(part) ?? [])));
  return hosts.map((host, at) => ({ host, port: Number(ports.length > 1 ? ports[at] : ports[0]) || defaultPort }));
}

function placeOf(text: string): HostPlace | null {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/i.exec(text);
  if (!match) return null;
  return { host: decodeURIComponent((match[1] ?? match[2])!), port: Number(match[3] ?? defaultPort) };
}
