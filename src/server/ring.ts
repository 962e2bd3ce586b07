import type { StoredChunk } from '../results/results.ts';

/** The newest bytes of a log, by their place in it. What is older than the ring is large is forgotten. */
export type Ring = {
  /** Where what is held begins and ends. */
  readonly start: number;
  readonly end: number;
  push(chunk: StoredChunk): void;
  /** The bytes from that place on, as far as the chunk that holds it goes; `undefined` when it holds none. */
  at(place: number): StoredChunk | undefined;
};

type Piece = StoredChunk & { readonly from: number };

/** Many small pieces cost more than their bytes. */
const maxPieces = 4096;

export const makeRing = (from: number, maxBytes: number): Ring => {
  let pieces: Piece[] = [];
  let first = 0;
  let end = from;
  const start = (): number => pieces[first]?.from ?? end;

  return {
    get start() {
      return start();
    },
    get end() {
      return end;
    },
    push: (chunk) => {
      pieces.push({ ...chunk, from: end });
      end += chunk.bytes.length;
      while (pieces.length - first > 1 && (end - start() > maxBytes || pieces.length - first > maxPieces)) first++;
      if (first > maxPieces) {
        pieces = pieces.slice(first);
        first = 0;
      }
    },
    at: (place) => {
      if (place < start() || place >= end) return undefined;
      let [low, high] = [first, pieces.length - 1];
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if ((pieces[middle]?.from ?? end) <= place) low = middle;
        else high = middle - 1;
      }
      const piece = pieces[low];
      return piece && { stream: piece.stream, at: piece.at, bytes: piece.bytes.subarray(place - piece.from) };
    },
  };
};
