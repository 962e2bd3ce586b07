import type { Claimed } from '../../api/worker-protocol.ts';
import { formatImageReference, parseImageReference } from '../../plan/image-reference.ts';
import type { ImageSource } from '../../plan/plan.ts';
import type { RunState } from '../../run/run-state.ts';

/**
 * The item with its images as the run has met them first: what a tag of a registry meant then it means to the end of the run, on every worker and in every
 * attempt, whoever moves it (atk-60). A name that no stage has run yet is left as it is.
 */
export const pinnedImages = (state: RunState, item: Claimed['work']): Claimed['work'] => {
  const met = imagesMet(state);
  const pin = (image: ImageSource): ImageSource =>
    image.kind === 'reference' ? pinned(image.reference, met.get(nameOf(image.reference) ?? '')) : image;
  return {
    ...item,
    stage: {
      ...item.stage,
      image: pin(item.stage.image),
      services: item.stage.services.map((service) => ({ ...service, image: pin(service.image) })),
    },
  };
};

/** By what ran, whatever the tag means by now. */
export const pinned = (reference: string, digest: string | undefined): ImageSource => {
  const parsed = parseImageReference(reference);
  if (!parsed.ok || digest === undefined || !/^sha256:[0-9a-f]{64}$/.test(digest)) return { kind: 'reference', reference };
  return { kind: 'reference', reference: formatImageReference({ ...parsed.image, digest }) };
};

/** The digests of those that began first, by their names. */
const imagesMet = (state: RunState): ReadonlyMap<string, string> => {
  const first = new Map<string, { readonly digest: string; readonly startedAt: number }>();
  for (const node of state.nodes.values()) {
    for (const { image, startedAt = Number.POSITIVE_INFINITY } of node.kind === 'stage' ? node.attempts : []) {
      const name = image?.ofRegistry === true ? nameOf(image.reference) : undefined;
      const known = name === undefined ? undefined : first.get(name);
      if (name !== undefined && image !== undefined && (known === undefined || startedAt < known.startedAt)) {
        first.set(name, { digest: image.digest, startedAt });
      }
    }
  }
  return new Map([...first].map(([name, { digest }]) => [name, digest]));
};

/** In full; `undefined` for what has a digest of its own, and for what is no name. */
const nameOf = (reference: string): string | undefined => {
  const parsed = parseImageReference(reference);
  return parsed.ok && parsed.image.digest === undefined ? formatImageReference(parsed.image) : undefined;
};
