import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Engine } from '../engine/engine.ts';
import { exiting42 } from './contract-subject.ts';

/** Pushes an image whose command exits with 42, with this content as a further file, and forgets it here; gives the digest. */
export const publish = async (engine: Engine, repository: string, tag: string, content: Buffer, auth = 'e30='): Promise<string> => {
  const tar = pack();
  tar.entry({ name: 'exit42', mode: 0o755 }, exiting42());
  tar.entry({ name: 'content' }, content);
  tar.finalize();
  const query = { fromSrc: '-', repo: repository, tag, changes: ['ENTRYPOINT ["/exit42"]'] };
  const body = Readable.from(tar, { objectMode: false });
  for await (const _ of engine.progress('POST', '/images/create', { query, body }));
  let digest: string | undefined;
  const headers = { 'x-registry-auth': auth };
  for await (const { aux } of engine.progress<Pushed>('POST', `/images/${repository}/push`, { query: { tag }, headers })) {
    digest ??= aux?.Digest;
  }
  await engine.json('DELETE', `/images/${repository}:${tag}`);
  if (digest === undefined) throw new Error(`${repository}:${tag} was pushed without a digest`);
  return digest;
};

type Pushed = { readonly aux?: { readonly Digest?: string } };
