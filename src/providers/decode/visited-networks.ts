/** Visited networks (MCC and MNC) as texts, one string for each network instead of one per record. */
import { readDigits } from './digits.ts';

export interface VisitedNetwork {
  readonly text: string;
  readonly home: boolean;
}

export class VisitedNetworks {
  readonly #home: readonly string[];
  readonly #known = new Map<number, VisitedNetwork>();

  constructor(home: readonly string[]) {
    this.#home = home;
  }

  /** Of 5 or 6 digits. */
  of(bytes: Uint8Array, from: number, digits: number): VisitedNetwork {
    const number = readDigits(bytes, from, digits);
    const key = number * 10 + digits;
    let network = this.#known.get(key);
    if (network === undefined) {
      const text = String(number).padStart(digits, '0');
      network = { text, home: this.#home.some((home) => text.startsWith(home)) };
      this.#known.set(key, network);
    }
    return network;
  }
}
