import { createHmac } from 'node:crypto';
import { isSame } from './bearer.ts';

/** The field of a form of ours that stands for `pageHeader`, which no form can send: only pages that this session is shown have its value (atk-62). */
export const formField = 'page';

/** Of a session, by its cookie. */
export const formTokenOf = (cookie: string): string => createHmac('sha256', cookie).update('cion form').digest('base64url');

export const hasFormToken = (body: unknown, cookie: string): boolean => {
  const given = typeof body === 'object' && body !== null && formField in body ? body[formField] : undefined;
  return typeof given === 'string' && isSame(given, formTokenOf(cookie));
};
