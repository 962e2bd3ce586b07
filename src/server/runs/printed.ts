import { causeText } from '../../engine/cause.ts';
import { plural, size } from '../../lib/quantities.ts';
import { type Parsed, parsed, refused } from '../../plan/problem.ts';
import { stagePrinting, printsWithinMs } from '../../plan/printing.ts';
import type { PrintedBy } from '../../planning/compile-tree.ts';
import { mostPrintedBytes, notPrinted, toldBytes, tooSlow } from '../../planning/not-printed.ts';
import type { Results } from '../../results/results.ts';
import type { AttemptState, RunState } from '../../run/run-state.ts';

export type PrintedDeps = {
  readonly results: Pick<Results, 'readLog'>;
  /** The exact stdout of a stage's newest attempt. */
  readonly outputOf: (state: RunState, stage: string) => Promise<{ readonly bytes: Uint8Array }>;
};

/**
 * What the stages of `run.printing` have printed for a run; an image that has none yet is run later. Rejects when what a stage printed cannot be had, for no fault of its image.
 */
export const printedFor =
  (deps: PrintedDeps, state: RunState, log: (line: string) => void): PrintedBy =>
  async (image) => {
    const printer = state.printing && stagePrinting(state.printing, image);
    const node = printer && state.nodes.get(printer.name);
    if (node?.kind !== 'stage') return 'later';
    const attempt = node.attempts.at(-1);
    if (attempt?.outcome !== 'passed') return notPrinted(image, ...(await whyNot(deps, state, node.name, attempt)));
    const bytes = attempt.output?.bytes ?? 0;
    log(`${image} printed ${plural(bytes, 'byte')} of the configuration, as ${node.name}`);
    if (bytes > mostPrintedBytes) return tooLarge(image);
    return parsed(bytes === 0 ? new Uint8Array() : (await deps.outputOf(state, node.name)).bytes);
  };

const tooLarge = (image: string): Parsed<never> =>
  refused({
    code: 'CONFIG_TOO_LARGE',
    message: `What the image "${image}" prints is larger than ${size(mostPrintedBytes)}.`,
    hint: 'Put its stages into several images.',
  });

/** What it did, and what it said. */
const whyNot = async (
  deps: PrintedDeps,
  state: RunState,
  stage: string,
  attempt: AttemptState | undefined,
): Promise<readonly [what: string, detail?: string]> => {
  const cause = attempt?.cause;
  if (attempt === undefined || cause === undefined) throw new Error(`it is not known how ${stage} ended`);
  if (cause.kind === 'timeout') return [tooSlow(printsWithinMs)];
  if (cause.kind === 'error' && cause.code.startsWith('IMAGE_')) return ['cannot be had', cause.message];
  if (cause.kind === 'error') throw new Error(`${stage} has errored: ${causeText(cause)}`);
  const said = await endOfStderr(deps.results, { run: state.run, stage, attempt: attempt.attempt });
  return [cause.kind === 'exit' ? `ended with exit code ${cause.code}` : `has ${attempt.outcome}: ${causeText(cause)}`, said];
};

const endOfStderr = async (
  results: Pick<Results, 'readLog'>,
  key: { readonly run: string; readonly stage: string; readonly attempt: number },
): Promise<string> => {
  let end = Buffer.alloc(0);
  for await (const { stream, bytes } of results.readLog(key, { from: 0, follow: false, signal: new AbortController().signal })) {
    if (stream === 'stderr') end = Buffer.concat([end, bytes]).subarray(-toldBytes);
  }
  return end.toString('utf8').trim();
};
