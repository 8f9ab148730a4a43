/** The repository's source files, as sorted paths relative to its root with `/` between segments. */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const places = ['bin', 'src', 'actors', 'supervisors', 'otel', 'simulator', 'test', 'bench', 'scripts', 'deploy'];
const leftOut = new Set(['node_modules', '.git', '.linekeeper', 'coverage']);

export function sourceFiles(root: string): string[] {
  const found: string[] = [];
  for (const place of places) {
    let entries: ReturnType<typeof list>;
    try {
      entries = list(join(root, place));
    } catch (error) {
      // a room that is not built yet
      if ((error as { code?: unknown }).code === 'ENOENT') continue;
      throw error;
    }
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = relative(root, join(entry.parentPath, entry.name)).split(sep).join('/');
      if (!path.split('/').some((segment) => leftOut.has(segment))) found.push(path);
    }
  }
  return found.sort();
}

function list(directory: string) {
  return readdirSync(directory, { recursive: true, withFileTypes: true });
}
