/**
 * Sends datagrams to a unix socket, which Node itself cannot: koffi calls the C library's own `socket` and `sendto`. One
 * descriptor lives as long as the process and is not inherited by children.
 *
 * Sending never waits: a receiver whose queue is full costs that datagram (`send` answers false), not the event loop.
 * Opening throws `NotifyError` when koffi cannot be loaded or the address is none that this can reach.
 */

export class NotifyError extends Error {
  override readonly name = 'NotifyError';
}

export interface DatagramSocket {
  /** False when the kernel did not take it. */
  send(text: string): boolean;
  close(): void;
}

const unixFamily = 1;
const datagramCloseOnExec = 2 | 0o2000000;
const dontWaitNoSignal = 0x40 | 0x4000;
/** `sun_path` of `struct sockaddr_un`; a path needs its NUL besides. */
const longestName = 108;

/** `name` is a path, or `@name` for Linux's abstract namespace: what sd_notify(3) allows in NOTIFY_SOCKET. */
export async function openDatagram(name: string): Promise<DatagramSocket> {
  const address = addressOf(name);
  const libc = await loadLibc();
  const descriptor = libc.socket(unixFamily, datagramCloseOnExec, 0);
  if (descriptor < 0) throw new NotifyError(`no socket for ${name}: errno ${libc.errno()}`);
  let open = true;
  return {
    send(text) {
      if (!open) return false;
      const bytes = Buffer.from(text);
      return libc.sendto(descriptor, bytes, bytes.length, dontWaitNoSignal, address, address.length) === bytes.length;
    },
    close() {
      if (open) libc.close(descriptor);
      open = false;
    },
  };
}

function addressOf(name: string): Buffer {
  const abstract = name.startsWith('@');
  if (!abstract && !name.startsWith('/')) {
    throw new NotifyError(`NOTIFY_SOCKET is ${name}: only absolute paths and @abstract names are understood`);
  }
  const path = abstract ? `\0${name.slice(1)}` : `${name}\0`;
  const bytes = Buffer.from(path);
  if (bytes.length > longestName) throw new NotifyError(`NOTIFY_SOCKET is longer than ${longestName} bytes: ${name}`);
  const family = Buffer.alloc(2);
  // in the machine's own order; Node runs on little-endian machines and on s390x
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = unixFamily;
  return Buffer.concat([family, bytes]);
}

interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  sendto(fd: number, bytes: Buffer, length: number, flags: number, address: Buffer, addressLength: number): number;
  close(fd: number): number;
  errno(): number;
}

async function loadLibc(): Promise<Libc> {
  try {
    const { default: koffi } = await import('koffi');
    // null: the process itself, which has its C library linked in, whichever that is
    const own = koffi.load(null);
    return {
      socket: own.func('int socket(int domain, int type, int protocol)'),
      sendto: own.func(
        'long sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t size)',
      ),
      close: own.func('int close(int fd)'),
      errno: () => koffi.errno(),
    };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new NotifyError(`systemd cannot be notified, as koffi does not load: ${why}; run npm ci again`, { cause });
  }
}
