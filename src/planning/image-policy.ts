import { dockerHub, type ImageReference, parseImageReference } from '../plan/image-reference.ts';

/** Which images may be run; registries are `HOST` or `HOST/PATH`. */
export type ImagePolicy = {
  /** Images of the registries alone, none that is only on this machine; steps of ours and of the registry alone. */
  readonly production: boolean;
  /** Ours: where an image without a host is looked for first (R-WRK-09). */
  readonly boxRegistry?: string;
  readonly allowRegistries: readonly string[];
  /** Images that may be services of these projects, and nothing else of nobody else (R-WRK-15). */
  readonly privateServices: readonly { readonly image: string; readonly projects: readonly string[] }[];
};

/** Whether an image is of that registry. */
export const isOf = (registry: string, { registry: host, repository }: ImageReference): boolean =>
  `${host}/${repository}`.startsWith(`${registry.replace(/\/+$/, '')}/`);

/** Without a host in its text. */
export const isBare = (reference: string, { registry }: ImageReference): boolean =>
  registry === dockerHub && !/^(?:index\.)?docker\.io\//.test(reference);

/** As the policy means it: any tag, unless it names one. */
export const isSameImage = (text: string, image: ImageReference): boolean => {
  const parsed = parseImageReference(text);
  if (!parsed.ok || parsed.image.registry !== image.registry || parsed.image.repository !== image.repository) return false;
  return !/[:@][^/]*$/.test(text) || (parsed.image.tag === image.tag && parsed.image.digest === image.digest);
};
