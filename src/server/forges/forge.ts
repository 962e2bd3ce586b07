import type { ForgeMessage } from './forge-event.ts';

/** The kinds of places that tell of commits. `git`: any git server, by a hook of its own. */
export type ForgeKind = 'github' | 'gitlab' | 'gitea' | 'git';

/**
 * How one kind of forge tells of what happened: pure, of the bytes that came and nothing else. `verify` is asked first; what it does not call genuine
 * is never read. Nothing here throws.
 */
export type Forge = {
  readonly kind: ForgeKind;
  /** The headers that `read` and `delivery` look at, in lower case. */
  readonly headers: readonly string[];
  /** Whether who sent these bytes knows the secret: in constant time, over the raw bytes. `signedAt`: when, epoch ms, where the forge signs that. */
  verify(request: HookRequest, secret: string): { readonly genuine: boolean; readonly signedAt?: number };
  /** The forge's own id of the delivery: the same when it is sent again. */
  delivery(request: HookRequest): string | undefined;
  read(request: HookRequest): ForgeMessage;
};

/** Names of headers in lower case. */
export type HookRequest = { readonly headers: Readonly<Record<string, string | undefined>>; readonly body: Buffer };
