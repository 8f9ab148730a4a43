/** `linekeeper demo`: hands over to demo.ts. */
import type { CliIo, CommonOptions } from './context.ts';

export interface DemoOptions extends CommonOptions {
  readonly stay?: boolean;
}

/** What `src/cli/demo.ts` exports. */
export interface DemoMain {
  runDemo(io: CliIo, options: DemoOptions): Promise<number>;
}

export async function demo(io: CliIo, options: DemoOptions): Promise<number> {
  const module: DemoMain = await import(new URL('./demo.ts', import.meta.url).href);
  return module.runDemo(io, options);
}
