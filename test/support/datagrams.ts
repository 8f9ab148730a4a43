/** The other end of sd_notify: a unix datagram socket that the test reads, by the same C library calls. */
import koffi from 'koffi';

export interface DatagramReceiver {
  /** What has arrived since the last call. */
  received(): string[];
  close(): void;
}

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, const void *address, uint32_t size)');
const recv = libc.func('long recv(int fd, _Out_ uint8_t *bytes, size_t length, int flags)');
const close = libc.func('int close(int fd)');

/** `name` as in NOTIFY_SOCKET: a path, or `@name`. */
export function receiveDatagrams(name: string): DatagramReceiver {
  const path = Buffer.from(name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`);
  const address = Buffer.concat([Buffer.from(new Uint16Array([1]).buffer), path]);
  const descriptor: number = socket(1, 2, 0);
  if (bind(descriptor, address, address.length) !== 0)
    throw new Error(`${name} cannot be bound: errno ${koffi.errno()}`);
  const bytes = Buffer.alloc(4_096);
  return {
    received() {
      const texts: string[] = [];
      for (;;) {
        const length: number = Number(recv(descriptor, bytes, bytes.length, 0x40));
        if (length < 0) return texts;
        texts.push(bytes.toString('utf8', 0, length));
      }
    },
    close: () => void close(descriptor),
  };
}
