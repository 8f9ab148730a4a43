/**
 * Reads what a client says to PostgreSQL, so that a proxy can tell which statement goes by: text of simple queries, and of
 * prepared ones also when only their name goes over the line.
 */
export interface Frontend {
  /** Texts of the statements that these bytes start; a message that is cut in two counts when its end is there. */
  read(bytes: Buffer): string[];
}

const parse = 'P'.charCodeAt(0);
const bind = 'B'.charCodeAt(0);
const query = 'Q'.charCodeAt(0);

export function readFrontend(): Frontend {
  const prepared = new Map<string, string>();
  let rest: Buffer = Buffer.alloc(0);
  /** Startup messages have no type byte; the first one says protocol 3, the ones before it ask for encryption. */
  let started = false;

  function statementOf(type: number, body: Buffer): string | null {
    if (type === query) return textAt(body, 0).text;
    if (type === parse) {
      const name = textAt(body, 0);
      prepared.set(name.text, textAt(body, name.end).text);
      return null;
    }
    if (type === bind) return prepared.get(textAt(body, textAt(body, 0).end).text) ?? null;
    return null;
  }

  return {
    read(bytes) {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const texts: string[] = [];
      for (;;) {
        const header = started ? 5 : 4;
        if (rest.length < header) return texts;
        const length = rest.readInt32BE(header - 4) + (started ? 1 : 0);
        if (rest.length < length) return texts;
        const message = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (started) {
          const text = statementOf(message[0]!, message.subarray(5));
          if (text !== null) texts.push(text);
        } else if (message.length >= 8 && message.readInt32BE(4) === 196_608) {
          started = true;
        }
      }
    },
  };
}

function textAt(body: Buffer, from: number): { text: string; end: number } {
  const end = body.indexOf(0, from);
  return { text: body.toString('utf8', from, end), end: end + 1 };
}
