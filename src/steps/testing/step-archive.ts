import { gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';

export type ArchiveEntry = Partial<Header> & { readonly name: string; readonly content?: string };

/** A tar.gz of exactly these entries, whatever they are. */
export const archiveOfEntries = async (entries: readonly ArchiveEntry[]): Promise<Buffer> => {
  const tar = pack();
  const bytes = buffer(tar);
  for (const { content, ...header } of entries) tar.entry(header, Buffer.from(content ?? ''));
  tar.finalize();
  return gzipSync(await bytes);
};

/** A step as its author would pack it: run.sh, a manifest and a file that is executable. */
export const plainStep = (version: string, top = ''): Promise<Buffer> =>
  archiveOfEntries([
    { name: `${top}run.sh`, content: `echo ${version}\n` },
    { name: `${top}step.yml`, content: `name: greet\nversion: ${version}\nsummary: greets\n` },
    { name: `${top}lib/tool`, content: '#!/bin/sh\n', mode: 0o755 },
  ]);
