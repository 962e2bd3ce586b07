/**
 * A Problem is what is wrong with a user's text: a value, never thrown. Every code stands in docs/errors.md.
 */
export type Problem = {
  /** Stable, upper snake case, listed in docs/errors.md. */
  readonly code: string;
  /** One sentence that names the thing in the user's words. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly range?: Range;
};

/** Where in the user's text a thing was said. Lines and columns count from 1, columns in UTF-16 units; `end` is exclusive. */
export type Range = {
  readonly file: string;
  readonly start: Position;
  readonly end: Position;
};

export type Position = { readonly line: number; readonly column: number };

/** The answer of everything that reads untrusted text. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const refused = (...problems: readonly Problem[]): Parsed<never> => ({ ok: false, problems });
