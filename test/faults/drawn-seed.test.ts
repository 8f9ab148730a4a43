/**
 * The short form with a seed that is drawn, and printed: `LINEKEEPER_TEST_FAULTS_SEED=S` runs it again, and
 * `npm run faults -- --seed S` has more of the same.
 */
import { randomBytes } from 'node:crypto';
import { shortForm } from './short-form.ts';

shortForm(process.env.LINEKEEPER_TEST_FAULTS_SEED ?? randomBytes(4).toString('hex'));
