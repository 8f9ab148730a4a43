/** The command that tells what a file would cost. */
import type { CliIo } from './context.ts';
import { wholeNumber } from './whole-number.ts';
import { needed, type Words } from './words.ts';

export function previewWords(io: CliIo, { noun, remote, runs }: Words): void {
  remote(noun('preview', 'what a file of usage records would cost under a tariff; imports nothing'))
    .argument('<file>', 'a CSV file that the service can read')
    .addOption(needed('--tariff <code>', 'a tariff that is loaded'))
    .option('--version-of <date>', 'rate every record by the version that is valid from then')
    .option('--layout <file>', 'which column means what (JSON)')
    .option('--provider <type>', 'the layout of this sync type instead')
    .option('--time-zone <name>', "of bands and midnights; else the tariff's")
    .option('--number-mask <digits>', 'digits of dialled numbers that an import would not keep', wholeNumber, 4)
    .option('--numbers', 'show the numbers of subscribers')
    .option('--csv', 'CSV on standard output')
    .action(
      runs(async () => {
        const { previewFile } = await import('./preview.ts');
        return (file, options) => previewFile(io, file, options);
      }),
    );
}
