/**
 * The service manager above this process, spoken to by sd_notify(3): READY, STATUS, WATCHDOG, STOPPING, EXTEND_TIMEOUT_USEC.
 *
 * `takeManagerPlace` takes NOTIFY_SOCKET, WATCHDOG_* and LISTEN_* out of the environment, so that no child and no thread
 * inherits them: a child that spoke for us, or fed the watchdog, would hide our death. Without NOTIFY_SOCKET there is no
 * manager and every call does nothing. A listening socket that was handed over (sd_listen_fds(3)) is used without one too. A message that the kernel does not take is lost; the next one comes soon.
 */
import { openDatagram } from './datagram.ts';
import { duplicator } from './descriptor.ts';

export interface ServiceManager {
  /** How often it must hear of us, else it kills us; null when it does not watch. */
  readonly watchdogMs: number | null;
  /** A new descriptor of the admin socket that it listens on for us, to be closed by whoever takes it; null without one. */
  readonly adminSocket: (() => number) | null;
  /** False when it was not heard: say it again. */
  ready(status: string): boolean;
  /** One line for `systemctl status`; the same line again is not sent. */
  status(text: string): void;
  feed(): void;
  /** Says that the ordered stop has begun, and asks for time again and again until the process ends. Idempotent. */
  stopping(status: string): void;
}

export interface ManagerPlace {
  readonly socket: string | null;
  readonly watchdogMs: number | null;
  /** Of the socket named `admin`, else of the only one that was handed over. */
  readonly adminDescriptor: number | null;
}

export const noManager: ServiceManager = {
  watchdogMs: null,
  adminSocket: null,
  ready: () => true,
  status() {},
  feed() {},
  stopping() {},
};

/** Removes the variables from `env`. Those that name another process are not for us. */
export function takeManagerPlace(env: Record<string, string | undefined>, pid: number): ManagerPlace {
  const { NOTIFY_SOCKET, WATCHDOG_PID, WATCHDOG_USEC } = env;
  const adminDescriptor = handedOver(env, pid);
  for (const name of Object.keys(env)) if (/^(NOTIFY_SOCKET$|WATCHDOG_|LISTEN_)/.test(name)) delete env[name];
  const usec = Number(WATCHDOG_USEC);
  const isOurs = !WATCHDOG_PID || WATCHDOG_PID === String(pid);
  return {
    socket: NOTIFY_SOCKET || null,
    watchdogMs: isOurs && Number.isSafeInteger(usec) && usec > 0 ? usec / 1_000 : null,
    adminDescriptor,
  };
}

const firstDescriptor = 3;

function handedOver(
  { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES }: Readonly<Record<string, string | undefined>>,
  pid: number,
) {
  const count = Number(LISTEN_FDS);
  if (LISTEN_PID !== String(pid) || !Number.isSafeInteger(count) || count < 1) return null;
  const named = LISTEN_FDNAMES?.split(':').indexOf('admin') ?? -1;
  if (named >= 0 && named < count) return firstDescriptor + named;
  return count === 1 ? firstDescriptor : null;
}

/** While stopping, more time is asked for this often, and always for three times as much. */
const extendEveryMs = 5_000;

/** Throws `NotifyError` when the manager waits to hear of us and cannot be reached: it would end us at its deadline. */
export async function openServiceManager(place: ManagerPlace): Promise<ServiceManager> {
  const { socket, watchdogMs, adminDescriptor } = place;
  const adminSocket = adminDescriptor === null ? null : await duplicator(adminDescriptor);
  if (socket === null) return { ...noManager, adminSocket };
  const datagram = await openDatagram(socket);
  let said = '';
  let extending: NodeJS.Timeout | null = null;
  const extend = () => datagram.send(`EXTEND_TIMEOUT_USEC=${extendEveryMs * 3 * 1_000}`);
  return {
    watchdogMs,
    adminSocket,
    ready(status) {
      said = oneLine(status);
      return datagram.send(`READY=1\nSTATUS=${said}`);
    },
    status(text) {
      const line = oneLine(text);
      if (line === said || extending) return;
      if (datagram.send(`STATUS=${line}`)) said = line;
    },
    feed: () => void datagram.send('WATCHDOG=1'),
    stopping(status) {
      if (extending) return;
      datagram.send(`STOPPING=1\nSTATUS=${oneLine(status)}`);
      extend();
      extending = setInterval(extend, extendEveryMs);
      extending.unref();
    },
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 300);
}
