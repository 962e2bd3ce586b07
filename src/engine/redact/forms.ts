import { base64Forms, hexForms } from './encoded-forms.ts';
import { escapedForms } from './escaped-forms.ts';

/** Shorter values cannot be kept out of a log without spoiling it. */
export const shortestSecretBytes = 4;

/** White space around it does not count: programs add and drop it (atk-37). */
export const isTooShort = (secret: string): boolean => Buffer.byteLength(secret.trim()) < shortestSecretBytes;

/** A text, or the bytes of an output that is none. */
export type Secret = string | Uint8Array;

/**
 * The byte strings in which a secret may show itself. `exact`: as it is but for outer white space, line by line; each also as the inside of a JSON, a shell's
 * or an HTML text, and URL-encoded. `wrapped`: each in base64 (at its three offsets, also URL-safe) and in hexadecimal, which programs
 * break into lines wherever they like. Parts shorter than the shortest secret are left out; of what is longer than
 * `longestEncoded` only the lines and the whole as it is are looked for.
 */
export type Forms = { readonly exact: readonly Uint8Array[]; readonly wrapped: readonly Uint8Array[] };

const longestEncoded = 64 * 1024;

export const formsOf = (secret: Secret): Forms => {
  const bytes = Buffer.from(secret);
  const text = typeof secret === 'string' ? secret : textOf(secret);
  const pieces = text === undefined ? [] : [text.trim(), ...text.split(/\r?\n/).map((line) => line.trim())];
  const short = [...new Set(pieces)].filter((piece) => Buffer.byteLength(piece) >= shortestSecretBytes);
  const whole = text !== undefined && short.includes(text.trim()) ? [] : [bytes];
  if (bytes.length > longestEncoded) return { exact: unique([...whole, ...short.map((piece) => Buffer.from(piece))]), wrapped: [] };
  const encoded = short.length === 0 ? [bytes] : short.map((piece) => Buffer.from(piece));
  return {
    exact: unique([...whole, ...[...short, ...short.flatMap(escapedForms)].map((form) => Buffer.from(form))]),
    wrapped: unique(encoded.flatMap((piece) => [...base64Forms(piece), ...hexForms(piece)]).map((form) => Buffer.from(form))),
  };
};

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

const unique = (forms: readonly Buffer[]): readonly Uint8Array[] => {
  const byBytes = new Map(forms.map((form) => [form.toString('latin1'), form]));
  return [...byBytes.values()].filter((form) => form.length >= shortestSecretBytes);
};
