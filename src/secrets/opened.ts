/** What was made of an encrypted text with the keys that there are. */
export type Opened = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: Unreadable };

/**
 * `no-key`: there is no identity at all; `bad-key`: one of them is none; `other-key`: it is encrypted to others; `damaged`: nobody can
 * read it, or what it says is no text that a variable can hold.
 */
export type Unreadable = 'no-key' | 'bad-key' | 'other-key' | 'damaged';
