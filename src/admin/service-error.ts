/** An answer of a service that is no success and nobody's crash: shown to the caller with its code. */
export type ServiceErrorCode = 'not-found' | 'conflict' | 'refused' | 'unavailable';

const statusOf: Readonly<Record<ServiceErrorCode, number>> = {
  'not-found': 404,
  conflict: 409,
  refused: 422,
  unavailable: 503,
};

export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceErrorCode;
  readonly status: number;

  /** `message` names the thing, the value (numbers masked) and the way out. */
  constructor(code: ServiceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = statusOf[code];
  }
}
