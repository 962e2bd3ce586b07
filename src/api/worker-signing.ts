import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * How a worker and its server know that nothing between them altered what they say to each other (atk-18, docs/adr/0076-signed-claims.md). Both have a key that is
 * in the worker's token and never on its way: each request of the two verbs carries a nonce and a signature (HMAC-SHA256), and its answer is signed with the same nonce,
 * so that neither another answer nor an older one fits.
 */
export const signingHeaders = {
  nonce: 'cion-nonce',
  signature: 'cion-signature',
  /** How many answers the worker has refused since the last that it took. */
  altered: 'cion-altered',
} as const;

export type Signed = { readonly path: string; readonly nonce: string; readonly body: Uint8Array | string };

export const newNonce = (): string => randomBytes(16).toString('base64url');

export const signedRequest = (key: Uint8Array, altered: string, { path, nonce, body }: Signed): string =>
  sign(key, ['request', path, nonce, altered], body);

export const signedAnswer = (key: Uint8Array, { path, nonce, body }: Signed): string => sign(key, ['answer', path, nonce], body);

/** In constant time. */
export const isSignature = (expected: string, given: unknown): boolean => {
  const [one, other] = [Buffer.from(expected), Buffer.from(typeof given === 'string' ? given : '')];
  return one.length === other.length && timingSafeEqual(one, other);
};

/** What is said first has no line breaks. */
const sign = (key: Uint8Array, first: readonly string[], body: Uint8Array | string): string =>
  createHmac('sha256', key)
    .update(`cion 1\n${first.join('\n')}\n`)
    .update(body)
    .digest('base64url');

/** `cion_worker_….KEY`: what is sent with each request, and the key that never is. One of a server's own worker has none. */
export const partsOfToken = (token: string): { readonly bearer: string; readonly key?: Uint8Array } => {
  const [, bearer, key] = /^(cion_worker_[\w-]{43})\.([\w-]{43})$/.exec(token) ?? [];
  return bearer === undefined || key === undefined ? { bearer: token } : { bearer, key: Buffer.from(key, 'base64url') };
};

export const tokenOfParts = (bearer: string, key: Uint8Array): string => `${bearer}.${Buffer.from(key).toString('base64url')}`;

/** What came is not what the server answered. */
export class AlteredError extends Error {
  readonly code = 'ANSWER_ALTERED';

  constructor() {
    super('what came is not what the server answered: somebody between it and this worker altered it, or the server has another key');
    this.name = 'AlteredError';
  }
}
