/** The short form with a seed that never changes. `drawn-seed.test.ts` has one that is drawn. */
import { shortForm } from './short-form.ts';

shortForm('linekeeper');
