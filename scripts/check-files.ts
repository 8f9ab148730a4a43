/**
 * Two rules about files: a code file has at most 300 lines, a test 400, files of data any number; and no file is named
 * after what it is not about (util, common, helper, manager, misc).
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const codeLines = 300;
const testLines = 400;
const forbiddenWords = /^(utils?|commons?|helpers?|managers?|misc)$/i;

export function lengthProblems(root: string, files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const file of files) {
    if (!isCode(file)) continue;
    const lines = countLines(readFileSync(join(root, file), 'utf8'));
    const limit = file.startsWith('test/') ? testLines : codeLines;
    if (lines > limit) {
      problems.push(`${file} has ${lines} lines; at most ${limit} are allowed: split it at its second noun`);
    }
  }
  return problems;
}

export function nameProblems(files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const file of files) {
    for (const segment of file.split('/')) {
      const word = segment.split(/[-_.]/).find((part) => forbiddenWords.test(part));
      if (word) problems.push(`${file}: "${word}" says nothing; name it after what it does`);
    }
  }
  return problems;
}

/** Data and documents are exempt: only what runs is counted. */
function isCode(file: string): boolean {
  if (file.split('/').includes('data')) return false;
  return /\.(ts|mts|js|mjs|cjs)$/.test(file) || (file.startsWith('bin/') && !basename(file).includes('.'));
}

function countLines(text: string): number {
  if (text === '') return 0;
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
