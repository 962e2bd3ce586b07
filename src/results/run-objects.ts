import { PassThrough, type Readable } from 'node:stream';
import { writtenTo } from '../lib/written-to.ts';
import type { Outcome } from '../run/outcome.ts';
import type { RunState, StageState } from '../run/run-state.ts';
import { documentName, objectPath } from './object-names.ts';
import { pathsOf } from './mirrored.ts';
import type { Results, StoredChunk } from './results.ts';
import { zipWriter } from './zip-writer.ts';

/**
 * The objects of a run as a whole stand beside its folder `run/<runId>/`, where the objects of its stages are: whatever a stage is
 * called, it cannot have the name of one of these.
 */
export const indexPath = (run: string): string => `run/${run}.json`;
export const outPath = (run: string): string => `run/${run}.out.zip`;

/**
 * The index of a run, from the moment it has a plan; with outcomes as far as there are any, at its end all of them (R-DCK-104). Paths are
 * those of the layout in results.ts.
 */
export type RunIndex = {
  readonly run: string;
  readonly number: number;
  readonly project: string;
  readonly pipeline?: string;
  readonly triggeredBy: string;
  readonly commit?: string;
  readonly branch?: string;
  readonly started: string;
  readonly finished?: string;
  readonly status?: 'winning' | 'like-a-chump';
  readonly outcome?: Outcome;
  readonly stages: readonly {
    readonly name: string;
    readonly kind: 'stage' | 'gate';
    readonly outcome?: Outcome;
    /** Absent until it has begun. */
    readonly document?: string;
  }[];
  /** `to` waits for `from`. */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly on: 'passed' | 'failed' | 'finished' }[];
};

export const indexText = (state: RunState): string => `${JSON.stringify(runIndex(state), undefined, 2)}\n`;

const runIndex = (state: RunState): RunIndex => {
  const source = state.fetch.source;
  return {
    run: state.run,
    number: state.number,
    project: state.project,
    ...(state.plan === undefined ? {} : { pipeline: state.plan.pipeline }),
    triggeredBy: state.trigger.by,
    ...(source?.commit === undefined ? {} : { commit: source.commit }),
    ...(source?.branch === undefined ? {} : { branch: source.branch }),
    started: new Date(state.createdAt).toISOString(),
    ...(state.finishedAt === undefined || state.outcome === undefined
      ? {}
      : {
          finished: new Date(state.finishedAt).toISOString(),
          status: state.outcome === 'passed' ? 'winning' : 'like-a-chump',
          outcome: state.outcome,
        }),
    stages: [...state.nodes.values()].map((node) => ({
      name: node.name,
      kind: node.kind,
      ...(node.outcome === undefined ? {} : { outcome: node.outcome }),
      ...(hasBegun(node) ? { document: objectPath(state.run, documentName(node.name)) } : {}),
    })),
    edges: (state.plan?.nodes ?? []).flatMap((node) => node.needs.map(({ node: from, on }) => ({ from, to: node.name, on }))),
  };
};

/** Everything that may be kept of a run. */
export const allPaths = (state: RunState): readonly string[] => [
  ...pathsOf(state.run, 'fetch'),
  ...[...state.nodes.values()]
    .filter(hasBegun)
    .flatMap(({ name, attempts }) => [
      ...attempts.slice(0, -1).flatMap(({ attempt }) => pathsOf(state.run, name, attempt)),
      ...pathsOf(state.run, name),
    ]),
  outPath(state.run),
  indexPath(state.run),
];

const hasBegun = (node: { readonly kind: 'stage' | 'gate' }): node is StageState =>
  node.kind === 'stage' && (node as StageState).attempts.length > 0;

/**
 * The run's `out` as a zip: what each stage wrote to stdout, as its log has it (so without secrets), at `out/<stage>` (R-DCK-48). Stages
 * whose log is kept nowhere are not in it. `undefined` when there are none.
 */
export const outZip = (results: Results, state: RunState): Readable | undefined => {
  const sensitive = new Set((state.plan?.nodes ?? []).flatMap((node) => (node.kind === 'stage' && node.sensitive ? [node.name] : [])));
  const stages = [...state.nodes.values()].filter(hasBegun).filter(({ name, attempts }) => {
    const began = attempts.at(-1)?.startedAt !== undefined;
    return began && !sensitive.has(name);
  });
  if (stages.length === 0) return undefined;
  const output = new PassThrough();
  const zip = zipWriter(writtenTo(output));
  const write = async (): Promise<void> => {
    for (const { name, attempts } of stages) {
      let bytes = 0;
      for await (const chunk of stdoutOf(results, state.run, name)) bytes += chunk.length;
      const at = new Date(attempts.at(-1)?.finishedAt ?? state.createdAt);
      await zip.file(`out/${name}`, { mode: 0o644, at, bytes }, stdoutOf(results, state.run, name));
    }
    await zip.end();
    output.end();
  };
  write().catch((error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))));
  return output;
};

const stdoutOf = async function* (results: Results, run: string, stage: string): AsyncGenerator<Uint8Array> {
  const reading = { from: 0, follow: false, signal: new AbortController().signal };
  const chunks: AsyncIterable<StoredChunk> = results.readLog({ run, stage }, reading);
  for await (const { stream, bytes } of chunks) if (stream === 'stdout') yield bytes;
};
