/**
 * Something a person handed in does not fit what is there: a name that is not known, a value that cannot be changed any
 * more. Its message names the thing, the value and the way out, and is shown as it is; it is nobody's crash. (A document of
 * the wrong form is an `InvalidDocumentError`.)
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}
