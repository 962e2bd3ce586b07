import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';

/**
 * The entries of a tar under other names; those without one are left out, and so are hard links to them. Names come without `./` and without
 * the `/` of a directory.
 */
export const tarRenamed = (tar: Readable, rename: (name: string) => string | undefined): Readable => {
  const renamed = pack();
  const entries = extract();
  pipeline(tar, entries).catch(() => {});
  const newName = (name: string): string | undefined => rename(name.replace(/^(?:\.\/)+/, '').replace(/\/+$/, ''));
  const copy = async (): Promise<void> => {
    for await (const entry of entries) {
      const { pax: _pax, ...header } = entry.header;
      const name = newName(header.name);
      const linkname = header.type === 'link' ? newName(header.linkname ?? '') : header.linkname;
      if (name === undefined || (header.type === 'link' && linkname === undefined)) entry.resume();
      else if (header.type === 'file') await pipeline(entry, renamed.entry({ ...header, name }));
      else renamed.entry({ ...header, name, ...(linkname === undefined || linkname === null ? {} : { linkname }) });
    }
    renamed.finalize();
  };
  copy().catch((error: unknown) => renamed.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(renamed, { objectMode: false });
};
