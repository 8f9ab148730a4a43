/** The commands that give the service a whole document: tariffs, zones, customers. */
import type { CliIo } from './context.ts';
import type { Words } from './words.ts';

export function documentWords(io: CliIo, { noun, remote, runs }: Words): void {
  remote(noun('tariff', 'load: what usage costs').command('load <file>').description('load a tariff document')).action(
    runs(async () => {
      const { loadDocument } = await import('./load-document.ts');
      return (file, options) => loadDocument(io, '/tariffs', file, options);
    }),
  );
  remote(
    noun('zones', 'load: roaming zones by date').command('load <file>').description("load a provider's zone sets"),
  ).action(
    runs(async () => {
      const { loadDocument } = await import('./load-document.ts');
      return (file, options) => loadDocument(io, '/zones', file, options);
    }),
  );
  remote(
    noun('customer', 'apply: customers, contracts, numbers, profiles')
      .command('apply <file>')
      .description('apply a customers document'),
  ).action(
    runs(async () => {
      const { loadDocument } = await import('./load-document.ts');
      return (file, options) => loadDocument(io, '/customers', file, options);
    }),
  );
}
