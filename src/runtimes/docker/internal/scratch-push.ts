import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { entriesOf } from '../build-context.ts';
import { isRefusal, unlessGone } from '../failures.ts';
import { label } from '../labels.ts';
import { imageRecord } from './box-image.ts';
import { type Internal, type InternalContext, type Performed, say } from './context.ts';
import { outputOf, sourceOf } from './directories.ts';
import { configWith, emptyConfig } from './image-config.ts';
import type { Options } from './options.ts';
import { destinationOf, publish } from './publish.ts';
import { StepFailure } from './step-failure.ts';

/** Pushes an image of one layer: the files in the output of the run, or in its source when it has none. */
export const scratchPush = async (_step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  const destination = await destinationOf(options, context);
  const config = configWith(options, emptyConfig);
  const given = options.text('path');
  const output = outputOf(context.env);
  const candidates = given === undefined ? [output, sourceOf(context.env)] : [posix.resolve(output, given)];
  const directory = await firstWithFiles(context, candidates);
  if (directory === undefined) throw new StepFailure(`there is no file in ${candidates.join(' nor in ')}`);
  await say(context, `Making an image of ${directory}`);
  const layer = await importLayer(context, directory);
  try {
    await publish(context, await imageRecord(context, layer), config, options, destination);
  } finally {
    await unlessGone(context.parts.engine.json('DELETE', `/images/${layer}`, { query: { force: true, noprune: true } }));
  }
  return { code: 0 };
};

const archiveOf = ({ parts, container, signal }: InternalContext, directory: string): Promise<Readable> =>
  parts.engine.stream('GET', `/containers/${container.id}/archive`, { query: { path: `${directory}/.` }, signal });

const firstWithFiles = async (context: InternalContext, directories: readonly string[]): Promise<string | undefined> => {
  for (const directory of directories) if (await hasFiles(context, directory)) return directory;
  return undefined;
};

const hasFiles = async (context: InternalContext, directory: string): Promise<boolean> => {
  try {
    const tar = await archiveOf(context, directory);
    try {
      for await (const entry of entriesOf(tar)) {
        if (entry.header.type !== 'directory') return true;
        entry.resume();
      }
      return false;
    } finally {
      tar.destroy();
    }
  } catch (error) {
    if (isRefusal(error, 404)) return false;
    throw error;
  }
};

/** For the engine's own architecture; gives its id. */
const importLayer = async (context: InternalContext, directory: string): Promise<string> => {
  const { parts, item, signal } = context;
  const labels = Object.entries({ [label.namespace]: parts.namespace, [label.run]: item.run });
  const changes = labels.map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`);
  const body = await archiveOf(context, directory);
  let id: string | undefined;
  const messages = parts.engine.progress<{ readonly status?: string }>('POST', '/images/create', {
    query: { fromSrc: '-', changes },
    body,
    signal,
  });
  for await (const { status } of messages) if (status?.startsWith('sha256:') === true) id = status.trim();
  if (id === undefined) throw new StepFailure('the engine did not say which image it made');
  return id;
};
