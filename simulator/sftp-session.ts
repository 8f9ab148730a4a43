/**
 * The SFTP requests of one session, answered from the files below a root. Paths cannot leave the root; nothing is written.
 */
import { closeSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

type Handle = { file: number } | { directory: string; listed: boolean };

export function serveFiles(sftp: SFTPWrapper, root: string): void {
  const handles = new Map<number, Handle>();
  let lastHandle = 0;
  const give = (request: number, handle: Handle) => {
    handles.set(++lastHandle, handle);
    const name = Buffer.alloc(4);
    name.writeUInt32BE(lastHandle);
    sftp.handle(request, name);
  };
  const find = (name: Buffer) => (name.length === 4 ? handles.get(name.readUInt32BE()) : undefined);
  const answer = (request: number, work: () => void) => {
    try {
      work();
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      sftp.status(request, missing ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE);
    }
  };
  const stat = (request: number, path: string) => {
    answer(request, () => sftp.attrs(request, attributes(statSync(below(root, path)))));
  };

  sftp.on('REALPATH', (request, path) => {
    const filename = posix.resolve('/', path);
    sftp.name(request, [{ filename, longname: filename, attrs: attributes(statSync(root)) }]);
  });
  sftp.on('STAT', stat);
  sftp.on('LSTAT', stat);
  sftp.on('OPENDIR', (request, path) => {
    answer(request, () => {
      const directory = below(root, path);
      readdirSync(directory);
      give(request, { directory, listed: false });
    });
  });
  sftp.on('READDIR', (request, name) => {
    const handle = find(name);
    if (handle === undefined || 'file' in handle) return sftp.status(request, STATUS_CODE.FAILURE);
    if (handle.listed) return sftp.status(request, STATUS_CODE.EOF);
    handle.listed = true;
    answer(request, () =>
      sftp.name(
        request,
        readdirSync(handle.directory).map((file) => listed(handle.directory, file)),
      ),
    );
  });
  sftp.on('OPEN', (request, path, flags) => {
    if ((flags & (OPEN_MODE.WRITE | OPEN_MODE.CREAT | OPEN_MODE.APPEND)) !== 0) {
      return sftp.status(request, STATUS_CODE.PERMISSION_DENIED);
    }
    answer(request, () => give(request, { file: openSync(below(root, path), 'r') }));
  });
  sftp.on('FSTAT', (request, name) => {
    const handle = find(name);
    if (handle === undefined || !('file' in handle)) return sftp.status(request, STATUS_CODE.FAILURE);
    answer(request, () => sftp.attrs(request, attributes(statSync(`/proc/self/fd/${handle.file}`))));
  });
  sftp.on('READ', (request, name, offset, length) => {
    const handle = find(name);
    if (handle === undefined || !('file' in handle)) return sftp.status(request, STATUS_CODE.FAILURE);
    answer(request, () => {
      const chunk = Buffer.alloc(Math.min(length, 1_048_576));
      const count = readSync(handle.file, chunk, 0, chunk.length, offset);
      if (count === 0) sftp.status(request, STATUS_CODE.EOF);
      else sftp.data(request, chunk.subarray(0, count));
    });
  });
  sftp.on('CLOSE', (request, name) => {
    const handle = find(name);
    if (handle === undefined) return sftp.status(request, STATUS_CODE.FAILURE);
    handles.delete(name.readUInt32BE());
    if ('file' in handle) closeSync(handle.file);
    sftp.status(request, STATUS_CODE.OK);
  });
  for (const event of ['WRITE', 'SETSTAT', 'FSETSTAT', 'REMOVE', 'MKDIR', 'RMDIR', 'RENAME', 'SYMLINK'] as const) {
    sftp.on(event as 'WRITE', (request: number) => sftp.status(request, STATUS_CODE.PERMISSION_DENIED));
  }
  sftp.on('close', () => {
    for (const handle of handles.values()) if ('file' in handle) closeSync(handle.file);
    handles.clear();
  });
}

function below(root: string, path: string): string {
  return join(root, posix.resolve('/', path));
}

function listed(directory: string, filename: string) {
  const stats = statSync(join(directory, filename));
  const kind = stats.isDirectory() ? 'd' : '-';
  const when = stats.mtime.toISOString().slice(0, 10);
  return {
    filename,
    longname: `${kind}r--r--r-- 1 kpn kpn ${stats.size} ${when} ${filename}`,
    attrs: attributes(stats),
  };
}

function attributes(stats: Stats): Attributes {
  const seconds = (ms: number) => Math.floor(ms / 1000);
  const { mode, size, uid, gid } = stats;
  return { mode, size, uid, gid, atime: seconds(stats.atimeMs), mtime: seconds(stats.mtimeMs) };
}
