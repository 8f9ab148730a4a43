/** `linekeeper config check | show`. Secrets are never shown; `check` says which references lead nowhere. */
import { checkSecrets, showConfig } from '../config/show.ts';
import { checkProviders } from '../providers/all-providers.ts';
import type { CliIo, CommonOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { configOf } from './load-config.ts';
import { printJson, printLine } from './print.ts';

export async function configCheck(io: CliIo, options: CommonOptions): Promise<number> {
  const config = configOf(io, options);
  const problems = [...checkSecrets(config, io.env), ...checkProviders(config.providers.directory)];
  if (problems.length > 0) {
    throw new CliError(
      exitCode.configuration,
      `the configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
  if (options.json) printJson(io, { ok: true });
  else printLine(io, 'the configuration is right');
  return exitCode.ok;
}

export async function configShow(io: CliIo, options: CommonOptions): Promise<number> {
  printJson(io, showConfig(configOf(io, options)));
  return exitCode.ok;
}
