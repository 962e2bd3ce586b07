import { createHash, hkdfSync } from 'node:crypto';

/**
 * The keys with which a worker and its server sign what they say to each other, one for each of the server's keys, the newest first: they follow from what the worker
 * proves itself with, so that none is kept.
 */
export const workerKeysOf =
  ([newest, ...others]: readonly [Uint8Array, ...Uint8Array[]]) =>
  (bearer: string): readonly [Uint8Array, ...Uint8Array[]] => {
    const salt = createHash('sha256').update(bearer).digest();
    const derived = (key: Uint8Array): Uint8Array => new Uint8Array(hkdfSync('sha256', key, salt, 'cion worker signing', 32));
    return [derived(newest), ...others.map(derived)];
  };
