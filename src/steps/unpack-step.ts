import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { mostUnpackedBytes, type StepFiles, stepEntries, UnsafeStep } from './step-entries.ts';

/** The files in a tar, gzipped or not; throws UnsafeStep for one that no step comes in. */
export const unpackStep = async (archive: Uint8Array): Promise<StepFiles> => {
  const entries = stepEntries();
  const reading = extract();
  const bytes = Readable.from([archive]);
  const isGzip = archive[0] === 0x1f && archive[1] === 0x8b;
  const tar = isGzip ? bytes.pipe(createGunzip()) : bytes;
  tar.on('error', (error) => reading.destroy(error instanceof Error ? error : new Error(String(error))));
  tar.pipe(reading);
  let total = 0;
  tar.on('data', (chunk: Uint8Array) => {
    total += chunk.length;
    if (total > 2 * mostUnpackedBytes) reading.destroy(new UnsafeStep('is too large when it is unpacked'));
  });
  try {
    for await (const entry of reading) {
      const { name, type, mode, linkname, size } = entry.header;
      if (size > mostUnpackedBytes) throw new UnsafeStep(`has a file that is too large: ${name}`);
      const content = await buffer(entry);
      switch (type) {
        case 'file':
        case 'contiguous-file':
          entries.add(name, { kind: 'file', bytes: content, executable: ((mode ?? 0) & 0o111) !== 0 });
          break;
        case 'directory':
          entries.add(name, { kind: 'directory' });
          break;
        case 'symlink':
          entries.add(name, { kind: 'symlink', target: linkname ?? '' });
          break;
        case 'link':
          entries.addCopy(name, linkname ?? '');
          break;
        default:
          throw new UnsafeStep(`has a ${type ?? 'thing of no known kind'} in it: ${name}`);
      }
    }
  } catch (error) {
    if (error instanceof UnsafeStep) throw error;
    throw new UnsafeStep(`is no tar.gz that can be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    bytes.destroy();
    tar.destroy();
    reading.destroy();
  }
  return entries.files('archive');
};
