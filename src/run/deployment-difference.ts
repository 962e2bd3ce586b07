import type { Deployment } from './run-event.ts';

/** In what two deployments are not the same; empty: in nothing. */
export const differencesOf = (from: Deployment, to: Deployment): readonly ('commit' | 'changedFiles' | 'image')[] => [
  ...(from.commit === to.commit ? [] : (['commit'] as const)),
  ...(from.changedFiles === to.changedFiles ? [] : (['changedFiles'] as const)),
  ...(imageOf(from) === imageOf(to) ? [] : (['image'] as const)),
];

const imageOf = ({ image }: Deployment): string => image.digest || image.reference;
