import { EngineError } from './engine-error.ts';

/** The JSON values of a stream that has one per line, e.g. `/events`. Stopping early stops the source. */
export async function* jsonLines<T extends object>(source: AsyncIterable<Uint8Array>): AsyncGenerator<T, void, undefined> {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  for await (const bytes of source) {
    const [first = '', ...rest] = decoder.decode(bytes, { stream: true }).split('\n');
    pending.push(first);
    for (const next of rest) {
      const line = pending.join('');
      pending = [next];
      if (line.trim() !== '') yield parse(line) as T;
    }
  }
  const last = pending.join('') + decoder.decode();
  if (last.trim() !== '') yield parse(last) as T;
}

/** As jsonLines, for the messages of a pull, push, build or import, where `{"error": …}` says that it has failed. */
export async function* progressMessages<T extends object>(source: AsyncIterable<Uint8Array>): AsyncGenerator<T, void, undefined> {
  for await (const message of jsonLines<T>(source)) {
    const error = reportedError(message);
    if (error !== undefined) throw new EngineError('refused', error);
    yield message;
  }
}

const parse = (line: string): object => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new EngineError('lost', 'the engine sent a line that is no JSON, or only half of one', { cause });
  }
  if (typeof value !== 'object' || value === null) throw new EngineError('lost', 'the engine sent a line that is no JSON object');
  return value;
};

const reportedError = (message: { readonly error?: unknown; readonly errorDetail?: unknown }): string | undefined => {
  const { error, errorDetail } = message;
  if (typeof error === 'string' && error !== '') return error.trim();
  if (typeof errorDetail !== 'object' || errorDetail === null) return undefined;
  return 'message' in errorDetail && typeof errorDetail.message === 'string' ? errorDetail.message.trim() : 'the engine gives no reason';
};
