/** A JSON file that a person names on the command line. What is wrong with it is said with the file and the place. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CliIo } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';

export function readDocument(io: CliIo, file: string): unknown {
  let text: string;
  try {
    text = readFileSync(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    const { code } = error as { code?: string };
    const words: Readonly<Record<string, string>> = {
      ENOENT: 'is not there',
      EACCES: 'may not be read by this user',
      EISDIR: 'is a directory',
    };
    throw new CliError(exitCode.failed, `${file} ${words[code ?? ''] ?? `cannot be read (${code})`}`, { cause: error });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // the parser quotes what stands there, which may be a number or a secret: only the place is told
    throw new CliError(exitCode.failed, `${file} is not JSON: it breaks ${placeOf(error as Error)}`, { cause: error });
  }
}

function placeOf({ message }: Error): string {
  const position = /at position \d+( \(line \d+ column \d+\))?/.exec(message)?.[0];
  if (position) return position;
  const [, character] = /^Unexpected token '(.)'/su.exec(message) ?? [];
  return character ? `at a ${JSON.stringify(character)} that has no place there` : 'at its end';
}
