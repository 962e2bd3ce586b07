import { createHash } from 'node:crypto';
import { access, type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { replaceFile } from '../lib/atomic-file.ts';
import { stateUnreadable, stateUnwritable } from './local-error.ts';

/** File trees that were fetched for plans, by the SHA-256 of their tar: the same digest is the same bytes. */
export type LocalTreeStore = {
  has(digest: string): Promise<boolean>;
  /** The tar; rejects when there is none, and breaks off with an error when its bytes are not those of the digest. */
  open(digest: string): Promise<Readable>;
  /** Answers the SHA-256 of the tar's bytes, in hexadecimal digits. */
  put(tar: Readable): Promise<string>;
};

/** `<project>/.cion/trees/<sha256>.tar`. */
export const treeStore = (dir: string): LocalTreeStore => {
  const directory = join(dir, 'trees');
  const pathOf = (digest: string): string => join(directory, `${digest}.tar`);
  return {
    has: (digest) =>
      access(pathOf(digest)).then(
        () => true,
        () => false,
      ),
    open: async (digest) => {
      const file = await open(pathOf(digest)).catch((error: unknown) => {
        throw stateUnreadable(`the files ${digest}`, error);
      });
      return Readable.from(checked(file, digest), { objectMode: false });
    },
    put: async (tar) => {
      const bytes = await buffer(tar);
      const digest = createHash('sha256').update(bytes).digest('hex');
      try {
        await mkdir(directory, { recursive: true });
        const temporary = join(directory, `.${digest}.${crypto.randomUUID()}.tmp`);
        await replaceFile(pathOf(digest), async (file) => ({ written: await file.writeFile(bytes) }), temporary);
        return digest;
      } catch (error) {
        throw stateUnwritable('files that were fetched', error);
      }
    },
  };
};

const checked = async function* (file: FileHandle, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream() as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== digest) throw stateUnreadable(`the files ${digest}`, new Error('they are not what they were'));
};
