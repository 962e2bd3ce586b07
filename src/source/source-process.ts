import { SourceError } from './source-error.ts';
import { type FromSourceProcess, type SourceAnswer, type SourceQuestion, sourceWork, type ToSourceProcess } from './source-work.ts';

/**
 * The process that works on repositories for a server. It ends with it, however that ends, with nothing of its own under way; a signal to both
 * is the server's to heed.
 */
const stops = new Map<number, AbortController>();

const tell = (told: FromSourceProcess): void => {
  process.send?.(told, undefined, undefined, () => {});
};

const valueOf = ({ name, request }: SourceQuestion, signal: AbortSignal, log: (line: string) => void): Promise<unknown> => {
  switch (name) {
    case 'fetchCommit':
      return sourceWork.fetchCommit({ ...request, signal });
    case 'hasRef':
      return sourceWork.hasRef({ ...request, signal });
    case 'snapshotOfMirror':
      return sourceWork.snapshotOfMirror({ ...request, signal, log });
  }
};

const failed = (error: unknown): SourceAnswer => ({
  kind: 'failed',
  message: error instanceof Error ? error.message : String(error),
  ...(error instanceof SourceError ? { code: error.code } : {}),
});

process.on('message', (told: ToSourceProcess) => {
  const { id } = told;
  if (told.kind === 'stop') {
    stops.get(id)?.abort();
    return;
  }
  const stop = new AbortController();
  stops.set(id, stop);
  void valueOf(told.question, stop.signal, (line) => tell({ id, kind: 'log', line }))
    .then((value): SourceAnswer => ({ kind: 'done', value }), failed)
    .then((answer) => {
      stops.delete(id);
      tell({ id, ...answer });
    });
});
process.on('disconnect', () => {
  for (const stop of stops.values()) stop.abort();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
