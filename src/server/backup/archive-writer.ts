import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { tarEnd, tarHeader, tarPadding } from '../../lib/tar-header.ts';
import { sealBackup } from '../../secrets/backup-seal.ts';
import { BackupError } from './backup-error.ts';
import { type BackupEntry, type Manifest, manifestPath, sealPath } from './manifest.ts';

/** A tar whose last entries say what is in it, and that who made it had the server's key. */
export type ArchiveWriter = {
  add(path: string, bytes: number, content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
  /** Nothing comes after it. */
  end(about: Pick<Manifest, 'schema' | 'tables'>): Promise<Manifest>;
};

export const archiveWriter = (file: FileHandle, keys: readonly [Uint8Array, ...Uint8Array[]], at: number): ArchiveWriter => {
  const entries: BackupEntry[] = [];
  const write = async (path: string, bytes: number, content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> => {
    await file.writeFile(tarHeader({ name: Buffer.from(path), kind: 'file', mode: 0o600, at, bytes }));
    const hash = createHash('sha256');
    let written = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      written += chunk.byteLength;
      await file.writeFile(chunk);
    }
    if (written !== bytes) throw new BackupError('BACKUP_FAILED', `${path} changed while it was read.`, 'Try it again.');
    await file.writeFile(tarPadding(bytes));
    return hash.digest('hex');
  };
  return {
    add: async (path, bytes, content) => void entries.push({ path, bytes, sha256: await write(path, bytes, content) }),
    end: async (about) => {
      const manifest: Manifest = { format: 1, at, ...about, entries };
      const text = Buffer.from(JSON.stringify(manifest));
      const seal = Buffer.from(JSON.stringify(sealBackup(keys, text)));
      await write(manifestPath, text.byteLength, [text]);
      await write(sealPath, seal.byteLength, [seal]);
      await file.writeFile(tarEnd());
      return manifest;
    },
  };
};
