/**
 * Duplicates a descriptor that this process was given, so that what is made of it can be closed and made again: an actor
 * that owns a listening socket closes it at each restart, and the one that was handed over must outlive that. Children
 * inherit neither. Throws `NotifyError` when koffi cannot be loaded.
 */
import { NotifyError } from './datagram.ts';

const duplicateCloseOnExec = 1030;
const firstFree = 3;

/** The function returned throws when there is no such descriptor (any more). */
export async function duplicator(descriptor: number): Promise<() => number> {
  const { fcntl, errno } = await loadFcntl();
  return () => {
    const copy = fcntl(descriptor, duplicateCloseOnExec, firstFree);
    if (copy < 0) throw new NotifyError(`descriptor ${descriptor} cannot be duplicated: errno ${errno()}`);
    return copy;
  };
}

async function loadFcntl() {
  try {
    const { default: koffi } = await import('koffi');
    const fcntl = koffi.load(null).func('int fcntl(int fd, int command, int argument)');
    return {
      fcntl: (fd: number, command: number, argument: number): number => fcntl(fd, command, argument),
      errno: () => koffi.errno(),
    };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new NotifyError(`the socket of systemd cannot be used, as koffi does not load: ${why}; run npm ci again`, {
      cause,
    });
  }
}
