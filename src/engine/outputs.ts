import { digestOf } from '../lib/canonical-json.ts';
import type { Stage } from '../plan/plan.ts';
import type { Results } from '../results/results.ts';
import type { RunState } from '../run/run-state.ts';

export type Outputs = {
  /** The exact stdout of a stage's newest attempt. */
  read(stage: string): Promise<{ readonly bytes: Uint8Array; readonly sensitive: boolean }>;
  /** That of a stage in a run with secrets: it is stored nowhere as it was. */
  keep(stage: string, stdout: Uint8Array): void;
  /** Sensitive ones. */
  secrets(): readonly Uint8Array[];
};

export const outputsOf = (results: Results, state: () => RunState): Outputs => {
  const inMemory = new Map<string, Uint8Array>();
  const stageOf = (name: string): Stage | undefined =>
    state().plan?.nodes.find((node): node is Stage => node.kind === 'stage' && node.name === name);
  const isSensitive = (name: string): boolean => stageOf(name)?.sensitive === true;
  return {
    keep: (stage, stdout) => void inMemory.set(stage, stdout),
    read: async (stage) => {
      const sensitive = isSensitive(stage);
      const kept = inMemory.get(stage);
      if (kept !== undefined) return { bytes: kept, sensitive };
      const node = state().nodes.get(stage);
      const attempt = node?.kind === 'stage' ? node.attempts.at(-1) : undefined;
      const key = { run: state().run, stage, ...(attempt === undefined ? {} : { attempt: attempt.attempt }) };
      const parts: Uint8Array[] = [];
      for await (const chunk of results.readLog(key, { from: 0, follow: false, signal: new AbortController().signal })) {
        if (chunk.stream === 'stdout') parts.push(chunk.bytes);
      }
      const bytes = Buffer.concat(parts);
      if (attempt?.output?.digest !== digestOf(bytes)) throw new OutputGone(stage);
      return { bytes, sensitive };
    },
    secrets: () => [...inMemory].flatMap(([stage, stdout]) => (isSensitive(stage) ? [stdout] : [])),
  };
};

class OutputGone extends Error {
  readonly code = 'OUTPUT_GONE';

  constructor(stage: string) {
    super(`the output of "${stage}" may hold secrets, so it was kept in memory alone, and the process that ran it is gone: run cion rerun`);
  }
}
