import { Readable } from 'node:stream';
import { pack } from 'tar-stream';

/** Empty directories at absolute paths, in this order, for a user. */
export const directoriesTar = (given: { readonly paths: readonly string[]; readonly uid: number; readonly gid: number }): Readable => {
  const { paths, uid, gid } = given;
  const tar = pack();
  const mtime = new Date();
  for (const path of paths) tar.entry({ name: `${path.replace(/^\/+|\/+$/g, '')}/`, type: 'directory', mode: 0o755, uid, gid, mtime });
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};
