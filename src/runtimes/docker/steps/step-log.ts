import { RuntimeError } from '../../runtime-error.ts';
import type { LogChunk, LogPosition, StreamName } from '../../runtime.ts';
import { type MarkScanner, markScanner, type Scanned } from './mark-scanner.ts';

/** What is to be done about marks, in their order; waited for. */
export type Told = {
  /** Of a step: `<number> begin|end …`. */
  mark(words: readonly string[]): Promise<void>;
  /** `0 …`: the conductor says something for cion alone. */
  aside(words: readonly string[]): Promise<void>;
};

/**
 * The user's bytes in what a conductor writes, beginning after so many of each stream; `source` is all of it. The two streams come with no
 * order between them, so each waits at a mark for the other. A mark at the very position `from` is told: nobody knows whether it was. Throws
 * LOG_GAP when there are fewer bytes than were read before.
 */
export async function* stepLog(nonce: string, from: LogPosition, source: AsyncIterable<LogChunk>, told: Told): AsyncGenerator<LogChunk> {
  const lanes = { stdout: newLane(nonce), stderr: newLane(nonce) };

  async function* upToMark(stream: StreamName): AsyncGenerator<LogChunk> {
    const lane = lanes[stream];
    for (let next = lane.waiting[0]; next !== undefined && !isStepMark(next); next = lane.waiting[0]) {
      lane.waiting.shift();
      if (next.kind === 'mark') {
        await told.aside(next.words);
        continue;
      }
      const { bytes } = next;
      const skip = Math.min(Math.max(0, from[stream] - lane.position), bytes.length);
      lane.position += bytes.length;
      if (skip < bytes.length) yield { stream, bytes: bytes.subarray(skip) };
    }
  }

  /** `isLast`: no more comes, so that no stream waits for the other. */
  async function* ready(isLast: boolean): AsyncGenerator<LogChunk> {
    for (;;) {
      yield* upToMark('stdout');
      yield* upToMark('stderr');
      const [mark, other] = [lanes.stdout.waiting[0], lanes.stderr.waiting[0]];
      if (mark === undefined && (other === undefined || !isLast)) return;
      if (other === undefined && !isLast) return;
      lanes.stdout.waiting.shift();
      lanes.stderr.waiting.shift();
      const isBefore = from.stdout > lanes.stdout.position || from.stderr > lanes.stderr.position;
      if (mark?.kind === 'mark' && !isBefore) await told.mark(mark.words);
    }
  }

  for await (const { stream, bytes } of source) {
    const { waiting, scanner } = lanes[stream];
    waiting.push(...scanner.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
    yield* ready(false);
  }
  for (const { waiting, scanner } of Object.values(lanes)) waiting.push(...scanner.end());
  yield* ready(true);
  for (const stream of ['stdout', 'stderr'] as const) {
    const lacking = from[stream] - lanes[stream].position;
    if (lacking > 0) throw new RuntimeError('LOG_GAP', `the engine's log lacks ${lacking} bytes of ${stream} that were there before`);
  }
}

type Lane = { readonly scanner: MarkScanner; readonly waiting: Scanned[]; position: number };

const newLane = (nonce: string): Lane => ({ scanner: markScanner(nonce), waiting: [], position: 0 });

const isStepMark = (scanned: Scanned): boolean => scanned.kind === 'mark' && scanned.words[0] !== '0';
