import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { checkBackup } from '../../secrets/backup-seal.ts';
import { BackupError } from './backup-error.ts';
import { type BackupEntry, type Manifest, manifestPath, manifestShape, sealPath, sealShape } from './manifest.ts';

/** Reads all of it, and answers what is in it if that is what was once written, by who had one of the keys. Rejects with BACKUP_DAMAGED or BACKUP_KEY. */
export const verifiedManifest = async (path: string, keys: readonly Uint8Array[]): Promise<Manifest> => {
  const found: BackupEntry[] = [];
  const last: Record<string, Buffer> = {};
  for await (const { name, content } of entriesOf(path)) {
    if (name === manifestPath || name === sealPath) {
      last[name] = await buffer(content);
    } else {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of content) {
        hash.update(chunk);
        bytes += chunk.byteLength;
      }
      found.push({ path: name, bytes, sha256: hash.digest('hex') });
    }
  }
  const [text, sealText] = [last[manifestPath], last[sealPath]];
  if (text === undefined || sealText === undefined) throw damaged('its end is missing');
  const seal = sealShape.safeParse(parsed(sealText));
  if (!seal.success) throw damaged('its seal cannot be read');
  const answer = checkBackup(keys, seal.data, text);
  if (answer === 'other-key') {
    throw new BackupError(
      'BACKUP_KEY',
      'The backup was made with another key than those that were given here.',
      'Give the key that the server had: what is encrypted in the backup cannot be read without it.',
    );
  }
  if (answer === 'changed') throw damaged('its list of contents is not the one that was written');
  const manifest = manifestShape.safeParse(parsed(text));
  if (!manifest.success) throw new BackupError('BACKUP_NEWER', 'The backup was made by a newer cion.', 'Take that version.');
  const { entries } = manifest.data;
  const wrong = entries.findIndex((entry, index) => !isSame(entry, found[index]));
  if (wrong >= 0) throw damaged(`${entries[wrong]?.path} is not what was written`);
  if (found.length !== entries.length) throw damaged('it has more in it than was written');
  return manifest.data;
};

/** Its entries once more, for those whose path begins so; what is not as the manifest has it breaks off with BACKUP_DAMAGED at its end. */
export const archiveEntries = async function* (
  path: string,
  { entries }: Manifest,
  start: string,
): AsyncGenerator<{ readonly path: string; readonly content: AsyncIterable<Uint8Array> }> {
  const wanted = entries.values();
  for await (const { name, content } of entriesOf(path)) {
    const entry = wanted.next().value;
    if (entry === undefined) return;
    if (entry.path !== name) throw damaged(`${name} was not in it before`);
    if (name.startsWith(start)) yield { path: name, content: checked(content, entry) };
    else for await (const _ of content) continue;
  }
};

const checked = async function* (content: AsyncIterable<Uint8Array>, { path, sha256 }: BackupEntry): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) throw damaged(`${path} has changed since it was looked at`);
};

const entriesOf = async function* (path: string): AsyncGenerator<{ readonly name: string; readonly content: AsyncIterable<Uint8Array> }> {
  const tar = extract();
  const reading = pipeline(createReadStream(path), tar);
  reading.catch(() => undefined);
  try {
    for await (const entry of tar) yield { name: entry.header.name, content: whole(entry as AsyncIterable<Uint8Array>, path) };
    await reading;
  } catch (error) {
    throw unreadable(path, error);
  }
};

const whole = async function* (content: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw unreadable(path, error);
  }
};

const unreadable = (path: string, error: unknown): BackupError => {
  if (error instanceof BackupError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^E[A-Z]+$/.test(code)
    ? new BackupError('BACKUP_FAILED', `The backup ${path} cannot be read: ${code}.`)
    : damaged('it breaks off');
};

const parsed = (text: Buffer): unknown => {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
};

const isSame = (one: BackupEntry, other: BackupEntry | undefined): boolean =>
  one.path === other?.path && one.bytes === other.bytes && one.sha256 === other.sha256;

const damaged = (why: string): BackupError =>
  new BackupError('BACKUP_DAMAGED', `The backup is not as it was made: ${why}. Nothing of it was used.`, 'Take another one.');
