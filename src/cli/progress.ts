/**
 * How far steps are: bars that are drawn over on a terminal, else a line when a step begins, passes another tenth, or
 * ends. Written to standard error, so that results can be piped.
 */
import type { CliIo } from './context.ts';
import { count } from './print.ts';

export interface StepProgress {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly progress: { readonly done: number; readonly total: number; readonly unit: string } | null;
}

export interface ProgressView {
  update(title: string, steps: readonly StepProgress[]): void;
}

const barWidth = 30;

export function openProgress(io: CliIo): ProgressView {
  return io.stderr.isTTY ? bars(io) : lines(io);
}

function bars(io: CliIo): ProgressView {
  let drawn = 0;
  return {
    update(title, steps) {
      const longest = Math.max(0, ...steps.map((step) => step.name.length));
      const text = [title, ...steps.map((step) => `  ${step.name.padEnd(longest)} ${bar(step)} ${words(step)}`)];
      // a terminal that does not know its width says 0
      const width = Math.max(20, (io.stderr.columns || 80) - 1);
      // up over what was drawn, then every line anew and cleared to its end
      const up = drawn > 0 ? `\x1b[${drawn}A` : '';
      io.stderr.write(`${up}${text.map((line) => `\r${line.slice(0, width)}\x1b[K\n`).join('')}\x1b[J`);
      drawn = text.length;
    },
  };
}

function lines(io: CliIo): ProgressView {
  const said = new Map<string, string>();
  return {
    update(title, steps) {
      for (const step of steps) {
        if (step.state === 'waiting') continue;
        const mark = `${step.state} ${Math.floor(share(step) * 10)}`;
        const key = `${title} ${step.name}`;
        if (said.get(key) === mark) continue;
        said.set(key, mark);
        io.stderr.write(`${title}: ${step.name} ${words(step)}\n`);
      }
    },
  };
}

function share({ state, progress }: StepProgress): number {
  if (state === 'done') return 1;
  return progress && progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0;
}

function bar(step: StepProgress): string {
  const full = Math.round(share(step) * barWidth);
  return `[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}]`;
}

function words({ state, progress }: StepProgress): string {
  if (state !== 'running' || !progress) return state;
  return `${count(progress.done)}/${count(progress.total)} ${progress.unit}`;
}
