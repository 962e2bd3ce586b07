import { open } from 'node:fs/promises';
import { keyLines } from './key-lines.ts';

/** A server has no key, or none that can be used. `code` stands in docs/errors.md; no message has anything of a key. */
export class ServerKeyError extends Error {
  readonly code: 'SERVER_KEY_MISSING' | 'SERVER_KEY_INVALID' | 'SERVER_KEY_EXPOSED';
  readonly hint: string;

  constructor(code: ServerKeyError['code'], message: string, hint: string) {
    super(message);
    this.name = 'ServerKeyError';
    this.code = code;
    this.hint = hint;
  }
}

const makeOne =
  'Make one: (umask 077; head -c 32 /dev/urandom | base64 > server.key). Keep a copy of it elsewhere: without it no secret can be read again. ' +
  'That is for a new server: one that was restored, or was there before, needs the key that it had.';

/**
 * The keys of a server, the newest first: the lines of a file that its user alone can read, else those of CION_SERVER_KEY. Each is 32 bytes in base64.
 * There is no server without one. Rejects with ServerKeyError.
 */
export const serverKeys = async ({
  file,
  text,
}: {
  readonly file?: string;
  readonly text?: string;
}): Promise<readonly [Uint8Array, ...Uint8Array[]]> => {
  if (file !== undefined) return keysIn(await readPrivate(file), file);
  if (text !== undefined && text.trim() !== '') return keysIn(text, 'CION_SERVER_KEY');
  throw new ServerKeyError('SERVER_KEY_MISSING', 'The server has no key to encrypt secrets with.', makeOne);
};

const readPrivate = async (path: string): Promise<string> => {
  const file = await open(path).catch(({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'ENOENT') throw new ServerKeyError('SERVER_KEY_MISSING', `There is no file ${path} with the key of the server.`, makeOne);
    throw new ServerKeyError('SERVER_KEY_INVALID', `The key file ${path} cannot be read: ${code ?? message}.`, makeOne);
  });
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new ServerKeyError(
        'SERVER_KEY_EXPOSED',
        `Others than its user can read or write the key file ${path}.`,
        `Run: chmod 600 ${path}`,
      );
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
};

const keysIn = (text: string, place: string): readonly [Uint8Array, ...Uint8Array[]] => {
  const keys = keyLines(text).map(({ line, key }) => {
    const bytes = Buffer.from(key, 'base64');
    if (!/^[A-Za-z0-9+/]{43}=?$/.test(key) || bytes.length !== 32) {
      throw new ServerKeyError('SERVER_KEY_INVALID', `Line ${line} of ${place} is no key: it is 32 bytes in base64.`, makeOne);
    }
    return new Uint8Array(bytes);
  });
  const [newest, ...others] = keys;
  if (newest === undefined) throw new ServerKeyError('SERVER_KEY_MISSING', `There is no key in ${place}.`, makeOne);
  return [newest, ...others];
};
