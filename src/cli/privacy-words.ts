/** The commands about what is kept: removing what is past its retention. */
import type { CliIo } from './context.ts';
import type { Words } from './words.ts';

export function privacyWords(io: CliIo, { noun, remote, runs }: Words): void {
  remote(noun('purge', 'remove what is past its retention, now'))
    .option('--dry-run', 'only say what that would be')
    .action(
      runs(async () => {
        const { purge } = await import('./purge.ts');
        return (options) => purge(io, options);
      }),
    );
}
