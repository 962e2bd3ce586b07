/** Where an engine is. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly basePath: string; readonly tls?: Tls }
  | { readonly kind: 'ssh'; readonly host: string; readonly user?: string; readonly port?: number; readonly path?: string };

/** PEM texts. Without `ca` the system's authorities count; `verify: false` takes any certificate. */
export type Tls = { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly verify: boolean };
