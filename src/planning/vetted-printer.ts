import { refused } from '../plan/problem.ts';
import { printingStage } from '../plan/printing.ts';
import type { PrintedBy } from './compile-tree.ts';
import { type ImageVet, vetImages } from './vet-images.ts';

/** Runs no image that the policy does not let a stage run; whether there is one shows when it is run. */
export const vettedPrinter =
  (printedBy: PrintedBy, vet: () => Omit<ImageVet, 'find'>): PrintedBy =>
  async (image) => {
    const plan = { version: 1, pipeline: 'fetch', nodes: [printingStage('fetch', image)], volumes: [] } as const;
    const { problems } = await vetImages(plan, undefined, { ...vet(), find: undefined });
    return problems.length === 0 ? printedBy(image) : refused(...problems);
  };
