/** What every transport must do, run over each of them. `files` are in the directory that `open` opens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Transport, TransportError } from '../../../src/providers/transports/transport.ts';

export const files: Readonly<Record<string, Buffer>> = {
  'a.dat': Buffer.alloc(700_000, 'abc'),
  'a.dat.ok': Buffer.from('marker'),
  'empty.dat': Buffer.alloc(0),
};

export function transportConformance(kind: string, open: () => Promise<Transport>): void {
  const using = async (work: (transport: Transport) => Promise<void>) => {
    const transport = await open();
    try {
      await work(transport);
    } finally {
      await transport.close();
    }
  };

  test(`${kind} lists plain files by name with their sizes, and no directories`, () =>
    using(async (transport) => {
      const listed = await transport.list();
      assert.ok(listed.every(({ changedMs }) => changedMs > Date.UTC(2020)));
      assert.deepEqual(
        listed.map(({ name, bytes }) => ({ name, bytes })),
        [
          { name: 'a.dat', bytes: 700_000 },
          { name: 'a.dat.ok', bytes: 6 },
          { name: 'empty.dat', bytes: 0 },
        ],
      );
    }));

  test(`${kind} streams a file byte for byte, also an empty one`, () =>
    using(async (transport) => {
      for (const name of ['a.dat', 'empty.dat']) {
        const chunks: Buffer[] = [];
        for await (const chunk of await transport.open(name)) chunks.push(chunk as Buffer);
        assert.ok(Buffer.concat(chunks).equals(files[name]!), name);
      }
    }));

  test(`${kind} reads a marker whole`, () =>
    using(async (transport) => assert.equal(await transport.readSmall('a.dat.ok'), 'marker')));

  test(`${kind} says that a missing file is unavailable`, () =>
    using(async (transport) => {
      await assert.rejects(transport.readSmall('none.ok'), (error) => {
        return error instanceof TransportError && error.effect === 'unavailable' && error.message.includes('none.ok');
      });
      await assert.rejects(async () => {
        for await (const _ of await transport.open('none.dat'));
      }, TransportError);
    }));

  test(`${kind} refuses a name that leaves its directory`, () =>
    using(async (transport) => {
      for (const name of ['../secret', 'x/y', '..', '']) {
        await assert.rejects(transport.open(name), /not a plain name/);
      }
    }));
}
