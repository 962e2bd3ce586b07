import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** In a time that does not depend on where they differ, or on their lengths. */
export const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

/** HMAC-SHA256 in hex. */
export const signature = (body: Uint8Array, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');

export const isSigned = (body: Uint8Array, secret: string, given: string | undefined): boolean =>
  isSame(signature(body, secret), (given ?? '').toLowerCase()) && given !== undefined;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
