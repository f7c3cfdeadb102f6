// For tests: the same seed gives the same values. CONSILIUM_SEED replays one.
export const seed = Number(process.env['CONSILIUM_SEED'] ?? 4711);

export class SeededRandom {
  constructor(private state: number) {}

  // A whole number from 0 up to `bound`, without it (mulberry32).
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound);
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  // Up to `most` of these pieces in a row.
  text(pieces: readonly string[], most: number): string {
    return Array.from({ length: this.below(most + 1) }, () => this.one(pieces)).join('');
  }
}

// Runs `property` on many random inputs; a failure names the input and how to see it again.
export function forRandom<T>(count: number, make: (random: SeededRandom) => T, property: (input: T) => void) {
  const random = new SeededRandom(seed);
  for (let round = 0; round < count; round += 1) {
    const input = make(random);
    try {
      property(input);
    } catch (error) {
      throw new Error(`round ${round} of CONSILIUM_SEED=${seed}: ${JSON.stringify(input)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}
