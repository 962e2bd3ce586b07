import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { filesSchema } from '../../api/lists.ts';
import { zipEntries } from '../../lib/read-zip.ts';
import type { ArtifactRef } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';
import { streamSlots } from '../stream-slots.ts';
import { accessOf } from './access.ts';
import { attachmentOf, redirected } from './download.ts';
import { stageParams } from './params.ts';

/** `part`: not what the stage left, but what its steps kept. */
const query = z.object({ attempt: z.coerce.number().int().positive().exactOptional(), part: z.literal('steps').exactOptional() });
const fileQuery = query.extend({
  path: z
    .string()
    .min(1)
    .max(64 * 1024),
});

/** Files that stages left. Whatever is in them, a browser keeps them and shows nothing of them as a page of ours (atk-46). */
export const artifactRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const access = accessOf(deps);
    // Each may hold a copy of the zip on the disk while it is sent.
    const slots = streamSlots({ streams: 16, streamsPerAddress: 4 });

    app.get('/runs/:number/artifacts/:stage', { schema: { params: stageParams, querystring: query } }, async (request, reply) => {
      const state = await access.state((await access.run(request, 'read')).row);
      const { key } = artifactsIn(state, request.params.stage, request.query);
      const name = `${state.number}-${key}`;
      const elsewhere = await redirected(deps, { request, reply }, (downloads) =>
        downloads.address(state.run, key, { type: 'application/zip', disposition: attachmentOf(name) }),
      );
      if (elsewhere !== undefined) return elsewhere;
      return attachment(reply, name)
        .type('application/zip')
        .send(await zipOf(deps, state, key));
    });

    app.get(
      '/runs/:number/artifacts/:stage/files',
      { schema: { params: stageParams, querystring: query, response: { 200: filesSchema } } },
      async (request) => {
        const state = await access.state((await access.run(request, 'read')).row);
        return { files: artifactsIn(state, request.params.stage, request.query).files };
      },
    );

    app.get('/runs/:number/artifacts/:stage/file', { schema: { params: stageParams, querystring: fileQuery } }, async (request, reply) => {
      const state = await access.state((await access.run(request, 'read')).row);
      const { path, ...which } = request.query;
      const { key, files } = artifactsIn(state, request.params.stage, which);
      const file = files.find((each) => each.path === path && each.digest !== undefined);
      if (file === undefined)
        throw new HttpError('FILE_UNKNOWN', 404, `${JSON.stringify(request.params.stage)} left no file ${JSON.stringify(path)}.`);
      slots.take(request, reply);
      const content = contentOf(await zipOf(deps, state, key), path);
      return attachment(reply, path.slice(path.lastIndexOf('/') + 1))
        .type('application/octet-stream')
        .header('content-length', file.bytes)
        .send(Readable.from(content, { objectMode: false }));
    });
  };

const artifactsIn = (
  state: RunState,
  stage: string,
  { attempt, part }: { readonly attempt?: number; readonly part?: 'steps' },
): ArtifactRef => {
  const node = state.nodes.get(stage);
  if (node?.kind !== 'stage') throw new HttpError('STAGE_UNKNOWN', 404, `Run ${state.number} has no stage ${JSON.stringify(stage)}.`);
  const newest = node.attempts.at(-1);
  const which = attempt === undefined ? newest : node.attempts.find((each) => each.attempt === attempt);
  const kept = part === undefined ? which?.artifacts : which?.stepArtifacts;
  if (which === undefined || kept === undefined)
    throw new HttpError('FILES_NONE', 404, `${JSON.stringify(stage)} of run ${state.number} left no files.`);
  // Another attempt has the plain name by now.
  return which === newest ? kept : { ...kept, key: kept.key.replace(/\.zip$/, `@${which.attempt}.zip`) };
};

const zipOf = async ({ results }: Pick<RouteDeps, 'results'>, { run }: RunState, key: string): Promise<Readable> => {
  const zip = await results.open(run, key);
  if (zip === undefined) throw new HttpError('FILES_GONE', 410, 'These files are not kept any more.');
  return zip;
};

const contentOf = async function* (zip: Readable, path: string): AsyncGenerator<Uint8Array> {
  for await (const entry of zipEntries(zip)) {
    if (entry.path !== path || entry.kind !== 'file') continue;
    yield* (await entry.content()) as AsyncIterable<Uint8Array>;
    return;
  }
  throw new Error(`the zip has no ${JSON.stringify(path)}`);
};

const attachment = (reply: FastifyReply, name: string): FastifyReply =>
  reply
    .header('content-disposition', attachmentOf(name))
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('cache-control', 'private, no-store');
