/** A JSON file that a person names on the command line. What is wrong with it is said with the file and the place. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CliIo } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';

/** A JSON document. */
export function readDocument(io: CliIo, file: string): unknown {
  const text = readText(io, file);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // the parser quotes what stands there, which may be a number or a secret: only the place is told
    throw new CliError(exitCode.failed, `${file} is not JSON: it breaks ${placeOf(error as Error)}`, { cause: error });
  }
}

/** UTF-8 and nothing else: another encoding read as UTF-8 would change names silently. */
export function readText(io: CliIo, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readBytes(io, file));
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(exitCode.failed, `${file} is not UTF-8; convert it: iconv -f windows-1252 -t utf-8 ${file}`, {
      cause: error,
    });
  }
}

function readBytes(io: CliIo, file: string): Buffer {
  try {
    return readFileSync(resolve(io.cwd, file));
  } catch (error) {
    const { code } = error as { code?: string };
    const words: Readonly<Record<string, string>> = {
      ENOENT: 'is not there',
      EACCES: 'may not be read by this user',
      EISDIR: 'is a directory',
    };
    throw new CliError(exitCode.failed, `${file} ${words[code ?? ''] ?? `cannot be read (${code})`}`, { cause: error });
  }
}

function placeOf({ message }: Error): string {
  const position = /at position \d+( \(line \d+ column \d+\))?/.exec(message)?.[0];
  if (position) return position;
  const [, character] = /^Unexpected token '(.)'/su.exec(message) ?? [];
  return character ? `at a ${JSON.stringify(character)} that has no place there` : 'at its end';
}
