/**
 * Says where an image is, before anything starts (R-WRK-108). Asks a registry only for what the engine does not have, with this machine's
 * login for it. Rejects with a RuntimeError when the engine does not answer; a registry that does not is `unknown`.
 */
export type ImageFinder = (reference: string, signal: AbortSignal) => Promise<FoundImage>;

export type FoundImage =
  /** The engine has it; `fromRegistry`: it was pulled or pushed by that name, and not only made here. */
  | { readonly kind: 'here'; readonly fromRegistry: boolean }
  | { readonly kind: 'registry' }
  | { readonly kind: 'missing' }
  /** The registry does not say, without a login or with this one. */
  | { readonly kind: 'denied' }
  | { readonly kind: 'unknown'; readonly why: string };
