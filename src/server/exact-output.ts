import { digestOf } from '../lib/canonical-json.ts';
import { outputsAskedBy } from '../plan/stage.ts';
import type { Results } from '../results/results.ts';
import type { RunState } from '../run/run-state.ts';
import { HttpError } from './http-error.ts';
import type { OutputStore } from './outputs/output-store.ts';

/** The stages whose stdout a stage is given. */
export const givenOutputs = (state: RunState, stage: string): ReadonlySet<string> => {
  const node = state.plan?.nodes.find(({ name }) => name === stage);
  return new Set(node?.kind === 'stage' ? outputsAskedBy(node) : []);
};

/** What the newest attempt of a stage that left an output wrote: as it was kept apart, else as the log has it. */
export const exactOutput = async (
  deps: {
    readonly results: Pick<Results, 'readLog'>;
    readonly outputs: Pick<OutputStore, 'read'>;
    readonly limits: { readonly outputBytes: number };
  },
  state: RunState,
  stage: string,
): Promise<Buffer> => {
  const node = state.nodes.get(stage);
  const attempt = node?.kind === 'stage' ? node.attempts.findLast(({ output }) => output !== undefined) : undefined;
  if (attempt?.output === undefined) throw new HttpError('OUTPUT_GONE', 404, `There is no output of ${JSON.stringify(stage)}.`);
  if (attempt.output.bytes > deps.limits.outputBytes) {
    throw new HttpError('REQUEST_TOO_LARGE', 413, `An output that other stages are given may have ${deps.limits.outputBytes} bytes.`);
  }
  const key = { run: state.run, stage, attempt: attempt.attempt };
  const bytes = (await deps.outputs.read(key)) ?? (await fromLog(deps.results, key));
  if (digestOf(bytes) === attempt.output.digest) return bytes;
  throw new HttpError('OUTPUT_GONE', 410, `The exact output of ${JSON.stringify(stage)} is not there any more.`);
};

const fromLog = async (
  results: Pick<Results, 'readLog'>,
  key: { readonly run: string; readonly stage: string; readonly attempt: number },
): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const { stream, bytes } of results.readLog(key, { from: 0, follow: false, signal: new AbortController().signal })) {
    if (stream === 'stdout') parts.push(bytes);
  }
  return Buffer.concat(parts);
};
