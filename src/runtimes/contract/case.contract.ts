import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { extract, type Header, pack } from 'tar-stream';
import type { EnvValue, InputFile, Stage } from '../../plan/plan.ts';
import { reference, stage } from '../../plan/stage.ts';
import { RuntimeError, type RuntimeErrorCode } from '../runtime-error.ts';
import type { Execution, Exit, Item, LogChunk, Prepared, PrepareNote, Runtime, Values, VolumeRef } from '../runtime.ts';

/** What an adapter's test gives to the suite. */
export type ContractSubject = {
  readonly runtime: Runtime;
  /** A further adapter on the same engine, as another process has it. */
  another(): Runtime;
  /** An image with a shell and the usual small tools. */
  readonly image: string;
  /** An image whose ENTRYPOINT is a program that exits with code 42, and that has no shell. */
  readonly imageWithoutShell?: string;
  /** What the engine still has of this run, by name, whoever made it. */
  left(run: string): Promise<readonly string[]>;
  /** All that the engine tells about a container. */
  records?(container: string): Promise<string>;
  /** All that the engine tells about an image. */
  imageRecords?(reference: string): Promise<string>;
  removeImages?(references: readonly string[]): Promise<void>;
  close(): Promise<void>;
};

/** What an adapter may lack; a skip says why. */
export type ContractNeed =
  | 'a shell'
  | 'an image without a shell'
  | 'services'
  | 'networks'
  | 'limits'
  | 'images'
  | 'records'
  | 'built images'
  | 'a steady load';

export type ContractTest = (
  name: string,
  needs: readonly ContractNeed[],
  body: (given: Case) => Promise<void>,
  options?: { readonly timeoutMs?: number },
) => void;

/** One test's own run. */
export type Case = {
  readonly subject: ContractSubject;
  readonly runtime: Runtime;
  readonly run: string;
  readonly signal: AbortSignal;
  /** Made through JSON, as a queue would (R-CIO-02). */
  item(given: Partial<Stage>, attempt?: number): Item;
  prepare(item: Item, runtime?: Runtime): Promise<Prepared>;
  /** Resolves the item's literals, adds `more`, and lets the command go. */
  start(item: Item, more?: Partial<Values>, runtime?: Runtime): Promise<Execution>;
  /** Prepare, start, read all, await the exit. */
  drive(item: Item, more?: Partial<Values>): Promise<Ended>;
};

export type Ended = Output & { readonly exit: Exit; readonly container: string };
export type Output = { readonly stdout: Buffer; readonly stderr: Buffer; readonly text: string; readonly chunks: readonly LogChunk[] };

export const newCase = (subject: ContractSubject, run: string, signal: AbortSignal): Case => {
  let stages = 0;
  const prepare = (item: Item, runtime: Runtime = subject.runtime): Promise<Prepared> => runtime.prepare(item, () => {}, signal);
  const start = (item: Item, more: Partial<Values> = {}, runtime: Runtime = subject.runtime): Promise<Execution> =>
    runtime.start(item, valuesOf(item, more), signal);
  return {
    subject,
    runtime: subject.runtime,
    run,
    signal,
    item: (given, attempt = 1) => {
      stages += 1;
      const item: Item = {
        run,
        project: 'contract',
        attempt,
        stage: stage({ name: `s${stages}`, image: reference(subject.image), ...given }),
      };
      return JSON.parse(JSON.stringify(item)) as Item;
    },
    prepare,
    start,
    drive: async (item, more) => {
      await prepare(item);
      const execution = await start(item, more);
      const output = await collect(execution.logs({ stdout: 0, stderr: 0 }, signal));
      return { ...output, exit: await execution.exit, container: execution.container };
    },
  };
};

/** A script for those who have a shell; for the fake, what it is told to do. */
export const script = (text: string, fake: Readonly<Record<string, string>> = {}): Pick<Stage, 'command' | 'env'> => ({
  command: { kind: 'shell', script: text },
  env: literals(fake),
});

/** Files of a stage, and what they hold when it starts. */
export const inputs = (
  contents: Readonly<Record<string, string>>,
  options: Pick<InputFile, 'private' | 'optional'> = {},
): { readonly files: readonly InputFile[]; readonly given: Pick<Values, 'files'> } => ({
  files: Object.keys(contents).map((path) => ({ path, value: { kind: 'output', stage: 'earlier' }, ...options })),
  given: {
    files: Object.entries(contents).map(([path, content]) => ({
      path,
      content: Buffer.from(content),
      ...(options.private === true ? { private: true as const } : {}),
    })),
  },
});

export const argv = (...words: readonly string[]): Pick<Stage, 'command'> => ({ command: { kind: 'arguments', argv: words } });

export const literals = (env: Readonly<Record<string, string>>): Record<string, EnvValue> =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { kind: 'literal', value }]));

export const valuesOf = (item: Item, more: Partial<Values> = {}): Values => ({
  env: { ...literalValues(item.stage.env), ...more.env },
  serviceEnv: {
    ...Object.fromEntries(item.stage.services.map((service) => [service.name, literalValues(service.env)])),
    ...more.serviceEnv,
  },
  files: more.files ?? [],
  ...(more.steps === undefined ? {} : { steps: more.steps }),
});

const literalValues = (env: Readonly<Record<string, EnvValue>>): Values['env'] =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value.kind === 'literal' ? [[name, { value: value.value, secret: false }]] : [])),
  );

export const collect = async (logs: AsyncIterable<LogChunk>): Promise<Output> => {
  const chunks: LogChunk[] = [];
  for await (const chunk of logs) chunks.push({ stream: chunk.stream, bytes: Buffer.from(chunk.bytes) });
  const of = (stream: LogChunk['stream']): Buffer =>
    Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes));
  const stdout = of('stdout');
  return { stdout, stderr: of('stderr'), text: stdout.toString('utf8'), chunks };
};

/** Reads all along; `until` resolves when the text has come on stdout, `ended` with everything. */
export const follow = (execution: Execution, signal: AbortSignal) => {
  let seen = '';
  let waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  const tell = (): void => {
    for (const waiter of waiting) if (seen.includes(waiter.text)) waiter.resolve();
    waiting = waiting.filter((waiter) => !seen.includes(waiter.text));
  };
  const listening = async function* (): AsyncGenerator<LogChunk> {
    for await (const chunk of execution.logs({ stdout: 0, stderr: 0 }, signal)) {
      if (chunk.stream === 'stdout') seen += Buffer.from(chunk.bytes).toString('utf8');
      tell();
      yield chunk;
    }
  };
  const ended = collect(listening());
  ended.catch(() => {});
  return {
    ended,
    until: async (text: string): Promise<string> => {
      const said = Promise.withResolvers<void>();
      waiting.push({ text, resolve: said.resolve });
      tell();
      await Promise.race([said.promise, ended]);
      assert.ok(seen.includes(text), `the command ended without saying ${JSON.stringify(text)}; it said ${JSON.stringify(seen)}`);
      return seen;
    },
  };
};

export type TarEntry = Partial<Header> & { readonly name: string; readonly content?: string };

export const tarOf = (...entries: readonly TarEntry[]): Readable => {
  const packing = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) packing.entry(header);
    else packing.entry(header, content);
  }
  packing.finalize();
  return Readable.from(packing, { objectMode: false });
};

/** The tar of a volume, which is there whether it was ever written or not. */
export const readWhole = async (runtime: Runtime, volume: VolumeRef, signal: AbortSignal): Promise<Readable> => {
  const tar = await runtime.read(volume, signal);
  assert.ok(tar !== undefined);
  return tar;
};

/** The entries of a tar by path, without the root itself; folders without the slash at their end. */
export const untar = async (tar: Readable): Promise<Map<string, TarEntry>> => {
  const entries = new Map<string, TarEntry>();
  const unpacking = tar.pipe(extract());
  for await (const entry of unpacking) {
    const bytes: Buffer[] = [];
    for await (const chunk of entry) bytes.push(chunk as Buffer);
    const name = entry.header.name.replace(/^\.\//, '').replace(/\/$/, '');
    if (name !== '' && name !== '.') entries.set(name, { ...entry.header, name, content: Buffer.concat(bytes).toString('utf8') });
  }
  return entries;
};

export const throwsCode = async (promise: Promise<unknown>, code: RuntimeErrorCode, message: RegExp = /./): Promise<void> => {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof RuntimeError, `a RuntimeError, not ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
};

export const notesInto = (notes: PrepareNote[]) => (note: PrepareNote) => void notes.push(note);
