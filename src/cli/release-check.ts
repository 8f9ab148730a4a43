/**
 * `linekeeper release check`: could this release be started here? Loads all of its modules, reads the configuration and
 * compares the schema with the database, without changing anything. Exit code 0 when it fits, 78 when only the
 * configuration is wrong, else 1. The release guard of a running service asks this of a release before it moves to it.
 */
import { join } from 'node:path';
import { loadModules } from '../release/load-modules.ts';
import type { ReleaseCheck, ReleaseReport } from '../release/run-check.ts';
import type { CliIo, CommonOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';

const root = join(import.meta.dirname, '../..');

export async function releaseCheck(io: CliIo, options: CommonOptions): Promise<number> {
  const modules = await checkModules();
  const checks = modules.ok ? [modules, ...(await checkPlace(io, options))] : [modules];
  const ok = checks.every((check) => check.ok);
  const { ownRelease } = await import('../database/release.ts');
  const report: ReleaseReport = { ok, release: ownRelease(), checks };
  if (options.json) printJson(io, report);
  else {
    for (const check of checks) printLine(io, `${check.ok ? 'fits ' : 'FAILS'}  ${check.name}: ${check.message}`);
    printLine(io, `release ${report.release} in ${root} ${ok ? 'can be started here' : 'can NOT be started here'}`);
  }
  if (ok) return exitCode.ok;
  const wrong = checks.filter((check) => !check.ok);
  return wrong.every((check) => check.name === 'configuration') ? exitCode.configuration : exitCode.failed;
}

async function checkModules(): Promise<ReleaseCheck> {
  // reading a program without running it is still experimental in Node, which says so on standard error
  process.removeAllListeners('warning');
  const { count, problems } = await loadModules(root);
  const ok = problems.length === 0;
  return { name: 'modules', ok, message: ok ? `all ${count} load` : problems.join('; ') };
}

/** Loaded only when everything is known to load. */
async function checkPlace(io: CliIo, options: CommonOptions): Promise<ReleaseCheck[]> {
  const [
    { configOf },
    { checkSecrets },
    { checkProviders },
    { resolveSecret },
    { findHost },
    { readSchemaRange },
    { findBinaries },
    { maskText },
  ] = await Promise.all([
    import('./load-config.ts'),
    import('../config/show.ts'),
    import('../providers/all-providers.ts'),
    import('../config/secret.ts'),
    import('../database/hosts/find-host.ts'),
    import('../database/schema-range.ts'),
    import('../database/embedded/binaries.ts'),
    import('../log/mask.ts'),
  ]);
  const check = async (name: string, find: () => Promise<{ ok: boolean; message: string }>): Promise<ReleaseCheck> => {
    try {
      return { name, ...(await find()) };
    } catch (error) {
      return { name, ok: false, message: maskText((error as Error).message).replace(/\s+/g, ' ') };
    }
  };
  let database: { url: string; hosts: readonly { host: string; port: number }[] | undefined } | undefined;
  const configuration = await check('configuration', async () => {
    const config = configOf(io, options);
    const problems = [...checkSecrets(config, io.env), ...checkProviders(config.providers.directory)];
    const { url, hosts } = config.database;
    if (problems.length === 0 && url !== undefined) database = { url: resolveSecret(url, io.env), hosts };
    return { ok: problems.length === 0, message: problems.join('; ') || 'it is right' };
  });
  if (!configuration.ok) return [configuration];
  const schema = await check('schema', async () => {
    if (database === undefined) {
      findBinaries();
      return { ok: true, message: 'the embedded database, which the running service looks at before it moves' };
    }
    const { fits, message } = await readSchemaRange(await findHost(database.url, database.hosts));
    return { ok: fits, message };
  });
  return [configuration, schema];
}
