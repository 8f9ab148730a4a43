/** `linekeeper start`: the service in the foreground, until it is told to stop. Its exit code is the process's. */
import type { Config } from '../config/schema.ts';
import type { CliIo, CommonOptions } from './context.ts';
import { configOf } from './load-config.ts';

/** What `src/main.ts` exports. */
export interface ServiceMain {
  runService(config: Config, io: CliIo): Promise<number>;
}

export async function start(io: CliIo, options: CommonOptions): Promise<number> {
  const config = configOf(io, options);
  // loaded after the configuration is known to be right: exit 78 must not depend on what the service needs
  const service: ServiceMain = await import(new URL('../main.ts', import.meta.url).href);
  return service.runService(config, io);
}
