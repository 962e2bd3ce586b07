/** One event of a stream (text/event-stream). `id` is where to go on after a break. */
export type StreamEvent = { readonly id?: string; readonly event: string; readonly data: string };

export const encodeStreamEvent = ({ id, event, data }: StreamEvent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;

/** Says nothing, and keeps what is on the way from cutting a quiet stream. */
export const heartbeat = ':\n\n';

/** The events of a stream as it comes, cut anywhere. What breaks off in the middle of one is left out. */
export const streamEvents = async function* (text: AsyncIterable<string>): AsyncGenerator<StreamEvent> {
  let held = '';
  for await (const piece of text) {
    held += piece;
    const blocks = held.split('\n\n');
    held = blocks.pop() ?? '';
    for (const block of blocks) {
      const found = eventOf(block);
      if (found !== undefined) yield found;
    }
  }
};

const eventOf = (block: string): StreamEvent | undefined => {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
  }
  const [id, data] = [fields.get('id'), fields.get('data')];
  return data === undefined ? undefined : { event: fields.get('event') ?? 'message', data, ...(id === undefined ? {} : { id }) };
};
