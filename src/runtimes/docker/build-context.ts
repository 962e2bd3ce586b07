import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, pack } from 'tar-stream';
import { abortable } from '../../lib/abortable.ts';
import type { ImageSource } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import { textOf } from './container-file.ts';
import { ignoredBy } from './dockerignore.ts';
import type { Engine } from './engine/engine.ts';
import { volumeRoot } from './pause-image.ts';
import type { Volumes } from './volumes.ts';

/** What is built: a directory of a volume without what its `.dockerignore` leaves out, and its Dockerfile. */
export type BuildContext = {
  /** The Dockerfile's path in the tar. */
  readonly dockerfile: string;
  /** A digest of all that may change the image: names, modes, bytes, targets of links; not who owns it, nor when it was written. */
  readonly digest: string;
  tar(): Promise<Readable>;
};

export type BuildSource = ImageSource & { readonly kind: 'build' };

export const buildContext = async (
  { engine, volumes }: { readonly engine: Engine; readonly volumes: Volumes },
  run: string,
  source: BuildSource,
  signal: AbortSignal,
): Promise<BuildContext> => {
  const ref = { run, volume: source.volume };
  const helper = await abortable(volumes.helper(ref), signal);
  const textAt = (path: string) => textOf(engine, helper, posix.join(volumeRoot, posix.join('/', path)), signal);
  const whole = async (): Promise<Readable> => {
    const tar = await volumes.read({ ...ref, directory: source.context }, signal);
    if (tar === undefined) throw failure(`there is no directory ${JSON.stringify(source.context)} to build it from`);
    return tar;
  };

  (await whole()).destroy();
  const text = await textAt(source.dockerfile);
  if (text === undefined) throw failure(`there is no Dockerfile ${JSON.stringify(source.dockerfile)}`);
  const ignore = await textAt(posix.join(source.context, '.dockerignore'));
  const inContext = posix.relative(posix.join('/', source.context), posix.join('/', source.dockerfile));
  const isOutside = inContext.startsWith('../');
  const dockerfile = isOutside ? outsideName : inContext;
  const isIgnored = ignoredBy(ignore ?? '');
  const keeps = (path: string): boolean => path === dockerfile || path === '.dockerignore' || !isIgnored(path);
  const tar = async (): Promise<Readable> => {
    if (ignore === undefined && !isOutside) return whole();
    return filtered(await whole(), keeps, isOutside ? { name: dockerfile, text } : undefined);
  };
  return { dockerfile, digest: await digestOf(await tar(), dockerfile), tar };
};

export const failure = (message: string, options?: ErrorOptions): RuntimeError => new RuntimeError('IMAGE_BUILD_FAILED', message, options);

const outsideName = '.cion.Dockerfile';

const digestOf = async (tar: Readable, dockerfile: string): Promise<string> => {
  const entries: string[] = [];
  for await (const entry of entriesOf(tar)) {
    const { type, mode, linkname } = entry.header;
    const content = createHash('sha256');
    for await (const bytes of entry) content.update(bytes as Uint8Array);
    const path = plainName(entry.header.name);
    entries.push(JSON.stringify([path, type, mode & 0o7777, linkname ?? '', content.digest('hex')]));
  }
  return createHash('sha256')
    .update(JSON.stringify([dockerfile, ...entries.toSorted()]))
    .digest('hex');
};

/** A tar with only those of its entries that are kept, and perhaps one more. */
export const filtered = (
  tar: Readable,
  keeps: (path: string) => boolean,
  added?: { readonly name: string; readonly text: string },
): Readable => {
  const packing = pack();
  const copy = async (): Promise<void> => {
    for await (const entry of entriesOf(tar)) {
      const path = plainName(entry.header.name);
      if (path !== '' && !keeps(path)) entry.resume();
      else if (entry.header.type === 'file') await pipeline(entry, packing.entry(entry.header));
      else packing.entry(entry.header);
    }
    if (added !== undefined) packing.entry({ name: added.name }, added.text);
    packing.finalize();
  };
  copy().catch((error: unknown) => packing.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(packing, { objectMode: false });
};

export const entriesOf = (tar: Readable): Extract => {
  const unpacking = extract();
  pipeline(tar, unpacking).catch(() => {});
  return unpacking;
};

const plainName = (name: string): string =>
  name
    .replace(/^(?:\.\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
