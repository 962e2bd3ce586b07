import type { Results } from '../results/results.ts';
import type { RunState } from '../run/run-state.ts';

export type Outputs = {
  /** The exact stdout of a stage's newest attempt. */
  read(stage: string): Promise<{ readonly bytes: Uint8Array; readonly sensitive: boolean }>;
  /** A sensitive stage's, which is stored nowhere. */
  keep(stage: string, stdout: Uint8Array): void;
};

export const outputsOf = (results: Results, state: () => RunState): Outputs => {
  const sensitive = new Map<string, Uint8Array>();
  const isSensitive = (stage: string): boolean =>
    state().plan?.nodes.some((node) => node.name === stage && node.kind === 'stage' && node.sensitive) === true;
  return {
    keep: (stage, stdout) => void sensitive.set(stage, stdout),
    read: async (stage) => {
      const kept = sensitive.get(stage);
      if (kept !== undefined) return { bytes: kept, sensitive: true };
      if (isSensitive(stage))
        throw new Error(`the output of the sensitive stage "${stage}" is gone with the process that ran it: re-run the stage`);
      const node = state().nodes.get(stage);
      const attempt = node?.kind === 'stage' ? node.attempts.at(-1)?.attempt : undefined;
      const parts: Uint8Array[] = [];
      const key = { run: state().run, stage, ...(attempt === undefined ? {} : { attempt }) };
      for await (const chunk of results.readLog(key, { from: 0, follow: false, signal: new AbortController().signal })) {
        if (chunk.stream === 'stdout') parts.push(chunk.bytes);
      }
      return { bytes: Buffer.concat(parts), sensitive: false };
    },
  };
};
