import { type Parsed, refused } from '../plan/problem.ts';

/** More than this is no configuration. */
export const mostPrintedBytes = 1024 * 1024;

/** Of what an image that should print a part of a configuration wrote to stderr, the end is told. */
export const toldBytes = 2000;

/** Why an image printed nothing that could be used: `what` it did, and what it said. */
export const notPrinted = (image: string, what: string, detail = ''): Parsed<never> =>
  refused({
    code: 'SUBGRAPH_FAILED',
    message: `The image "${image}", which should print stages, ${what}${detail === '' ? '' : `: ${detail}`}.`,
    hint: `Try it: docker run --rm ${image}`,
  });

/** Not in its time. */
export const tooSlow = (ms: number): string => `does not end within ${Math.round(ms / 60_000)} minutes`;
