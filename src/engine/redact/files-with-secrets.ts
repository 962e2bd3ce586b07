import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { drained } from '../../lib/drained.ts';
import { finderFor } from './finder.ts';
import type { Secret } from './forms.ts';

/** `tar`: the same bytes. When it has been read: `files` are those in it that hold a secret. */
export type Watched = { readonly tar: Readable; files(): readonly string[]; refusal(): SecretInName | undefined };

/** Names of files are in events and on pages; this says nothing of the name. */
export class SecretInName extends Error {
  readonly code = 'SECRET_IN_FILE_NAME';

  constructor() {
    super('the name of a file that it left has a secret in it: none of its files was kept');
  }
}

/** Files may well be called as something short that is a secret, too. */
const shortestInName = 8;

/** Looks for secrets in a tar while it is read (atk-36). One with a secret in a name breaks off with SecretInName at its end. */
export const watchedForSecrets = (tar: Readable, secrets: readonly Secret[]): Watched => {
  const newFinder = finderFor(secrets);
  const inNames = finderFor(secrets.filter((secret) => Buffer.from(secret).length >= shortestInName));
  if (newFinder === undefined) return { tar, files: () => [], refusal: () => undefined };
  const files: string[] = [];
  let refusal: SecretInName | undefined;
  const entries = extract();
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  entries.on('error', ended.reject);
  entries.on('finish', () => ended.resolve());
  entries.on('entry', (header, content, next) => {
    const isIn = (text: string | null | undefined): boolean => inNames?.().push(Buffer.from(text ?? '')) === true;
    if (isIn(header.name) || isIn(header.linkname)) refusal ??= new SecretInName();
    const finder = newFinder();
    let holds = false;
    content.on('data', (chunk: unknown) => {
      holds ||= finder.push(chunk as Uint8Array);
    });
    content.on('error', () => {});
    content.on('end', () => {
      if (holds) files.push(header.name);
      next();
    });
  });
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of tar as AsyncIterable<Uint8Array>) {
      if (entries.destroying) break;
      if (!entries.write(chunk)) await drained(entries);
      if (refusal !== undefined) throw refusal;
      yield chunk;
    }
    entries.end(null);
    await ended.promise;
    if (refusal !== undefined) throw refusal;
  }
  const through = Readable.from(watched(), { objectMode: false });
  through.once('close', () => {
    tar.destroy();
    entries.destroy();
  });
  return { tar: through, files: () => files, refusal: () => refusal };
};
