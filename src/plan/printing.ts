import type { Plan, Stage } from './plan.ts';
import { reference, stage } from './stage.ts';

/** For how long an image that prints a part of a configuration may run. */
export const printsWithinMs = 5 * 60_000;

/** Names of the stages that print; no stage of a text may be called so. */
export const isPrintingName = (name: string): boolean => /^fetch\.\d+$/.test(name);

/** Runs an image with its own command, given nothing: its stdout is a part of a configuration (R-DCK-55). */
export const printingStage = (name: string, image: string): Stage =>
  stage({ name, image: reference(image), timeouts: { totalMs: printsWithinMs }, retry: { attempts: 3, on: ['errored'] } });

/** The plan with one more stage for each image that has none. Pure. */
export const withPrinting = (before: Plan | undefined, images: readonly string[]): Plan => {
  const known = before?.nodes ?? [];
  const further = images.filter((image) => before === undefined || stagePrinting(before, image) === undefined);
  const added = further.map((image, index) => printingStage(`fetch.${known.length + index + 1}`, image));
  return { version: 1, pipeline: 'fetch', nodes: [...known, ...added], volumes: [] };
};

/** The stage that runs that image. */
export const stagePrinting = ({ nodes }: Plan, image: string): Stage | undefined =>
  nodes.find((node): node is Stage => node.kind === 'stage' && node.image.kind === 'reference' && node.image.reference === image);
