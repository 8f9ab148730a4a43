/** What the six commands need besides the interpreter's services. */
import type { SecretReference } from '../../config/secret.ts';
import type { InterpreterServices } from '../interpreter/services.ts';

export interface RoutItServices extends InterpreterServices {
  /** Throws `TransportError` when the secret is not there. */
  readonly resolveSecret: (reference: SecretReference) => string;
  /** An end customer whose file does not come is given up after so long; the next task tries again. Default 15 min. */
  readonly fetchGiveUpAfterMs?: number;
  /** For an answer to begin, and for two parts of it to follow each other. Default 30 s. */
  readonly silenceMs?: number;
}
