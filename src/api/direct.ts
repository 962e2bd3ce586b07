import { PassThrough, type Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { type Spooled, spooled } from '../lib/spooled.ts';
import { tarCensus } from '../lib/tar-census.ts';
import { writtenTo } from '../lib/written-to.ts';
import { mostDirectBytes } from '../results/direct-bytes.ts';
import { logOwner, zipName } from '../results/object-names.ts';
import { ResultsError } from '../results/results-error.ts';
import { verifiedTar } from '../results/verified-tar.ts';
import { zipFromTar } from '../results/zip-from-tar.ts';
import { ApiError } from './api-error.ts';
import { writing } from './http-results.ts';
import { followed } from './plain-request.ts';
import { BodyError, type Send } from './send.ts';
import { asJson } from './wire-bodies.ts';
import type { LeaseBytes } from './worker-bytes.ts';
import {
  type DirectAs,
  directAnswerSchema,
  directBeginAnswerSchema,
  directKeepAnswerSchema,
  directReadAnswerSchema,
  workerPaths,
} from './worker-wire.ts';

const mostTries = 3;

/**
 * The ways of an attempt's files that go past the server, where it says so: straight from and to the place of the results, at addresses that it signs. Where it
 * does not, or what is sent is too large for one piece, they are `through`, the ways through the server. `folder`: where what is sent waits to be measured.
 */
export const directBytes = (send: Send, through: LeaseBytes, folder: string): LeaseBytes => {
  let asked: Promise<boolean> | undefined;
  let isTooLarge = false;

  const ask = async <T>(path: string, body: unknown): Promise<T> =>
    (await json(await send({ method: 'POST', path, body: asJson(body) }).catch(askAgain))) as T;

  /** A server that was started otherwise meanwhile is asked once more how it wants them. */
  const askAgain = (error: unknown): never => {
    if (!(error instanceof ApiError) || error.code !== 'DIRECT_OFF') throw error;
    asked = undefined;
    throw new ResultsError('RESULTS_UNREACHABLE', 'Bytes go through the server from now on.', { cause: error });
  };

  const isDirect = async (): Promise<boolean> => {
    asked ??= send({ method: 'GET', path: workerPaths.direct })
      .then(async (answer) => directAnswerSchema.parse(await json(answer)).isDirect)
      .catch((error: unknown) => {
        asked = undefined;
        // A server that is older than that.
        if (error instanceof ApiError && error.code === 'NOT_FOUND') return false;
        throw error;
      });
    return asked;
  };

  /** With a new address where one was refused: its time may have been over. */
  const again = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ResultsError) || error.code !== 'RESULTS_DENIED' || tries === mostTries) throw error;
      }
    }
  };

  const waiting = <T>(stream: Readable, work: (sent: Spooled) => Promise<T>): Promise<T> =>
    spooled(folder, stream, work).catch((error: unknown) => {
      throw ofDisk(error) ?? error;
    });

  const read = (what: object): Promise<Readable | undefined> =>
    again(async () => {
      const { address } = directReadAnswerSchema.parse(await ask(workerPaths.directRead, what));
      return address && followed(address, { method: 'GET' });
    });

  const upload = (as: DirectAs, { digest: sha256, bytes, read: open }: Spooled): Promise<void> =>
    again(async () => {
      const begun = directBeginAnswerSchema.parse(await ask(workerPaths.directBegin, { as, bytes, sha256 }));
      if (begun.kind === 'there') return;
      (await followed(begun.address, { method: 'PUT', body: open() })).resume();
      const { result } = directKeepAnswerSchema.parse(await ask(workerPaths.directKeep, { as, id: begun.id, sha256 }));
      if (result === 'gone') throw new ResultsError('RESULTS_UNREACHABLE', 'What was uploaded is not there.');
    });

  return {
    ...through,
    results: {
      ...through.results,
      putArtifacts: (key, tar) =>
        writing(async () => {
          if (isTooLarge || !(await isDirect())) return through.results.putArtifacts(key, tar);
          const { zip: made, stored: zipping } = zipOf(tar);
          return waiting(made, async (zip) => {
            const stored = await zipping;
            if (stored === undefined) return undefined;
            if (zip.bytes > mostDirectBytes) {
              isTooLarge = true;
              throw new ResultsError('RESULTS_UNREACHABLE', 'The zip is too large for one piece: it goes through the server.');
            }
            await upload({ kind: 'artifacts', ...(key.part === undefined ? {} : { part: key.part }) }, zip);
            return { key: zipName(logOwner(key)), ...stored };
          });
        }).finally(() => tar.destroy()),
    },
    caches: {
      open: async (key) => ((await isDirect()) ? read({ kind: 'cache', key }) : through.caches.open(key)),
      save: async (key, tar, limitBytes) => {
        if (!(await isDirect())) return through.caches.save(key, tar, limitBytes);
        const tooLarge = new Error('too large');
        const census = tarCensus(tar, { bytes: limitBytes, over: () => tooLarge });
        try {
          return await waiting(census.tar, async (sent) => {
            if (census.files() === 0) return 'empty';
            if (sent.bytes > mostDirectBytes) return through.caches.save(key, sent.read(), limitBytes);
            await upload({ kind: 'cache', key }, sent);
            return 'saved';
          });
        } catch (error) {
          if (error === tooLarge) return 'too-large';
          throw error;
        }
      },
    },
    trees: {
      open: async (digest) => {
        if (!(await isDirect())) return through.trees.open(digest);
        const tar = await read({ kind: 'tree', digest });
        if (tar === undefined) throw new ResultsError('RESULTS_UNREADABLE', `the files ${JSON.stringify(digest)} are not kept`);
        return verifiedTar(tar, digest, 'the results');
      },
      keep: async (tar) => {
        if (!(await isDirect())) return through.trees.keep(tar);
        return waiting(tarCensus(tar).tar, async (sent) => {
          if (sent.bytes > mostDirectBytes) return through.trees.keep(sent.read());
          await upload({ kind: 'tree' }, sent);
          return { digest: sent.digest, bytes: sent.bytes };
        });
      },
    },
  };
};

/** That of this worker. */
const ofDisk = (error: unknown): ResultsError | undefined => {
  const { code = '', message } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (!/^(?:ENOSPC|EDQUOT|EROFS|EACCES|EPERM|ENOENT|EIO)$/.test(code)) return undefined;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new ResultsError(
    isFull ? 'NO_SPACE' : 'RESULTS_UNWRITABLE',
    `what is to be uploaded cannot wait on the disk of the worker: ${message}`,
    {
      cause: error,
    },
  );
};

/** The zip while it is made, and what is in it when it is. */
const zipOf = (tar: Readable) => {
  const zip = new PassThrough();
  const stored = zipFromTar(tar, writtenTo(zip)).then(
    (made) => {
      zip.end();
      return made;
    },
    (error: unknown) => {
      zip.destroy(error instanceof ResultsError ? error : new BodyError(error));
      throw error;
    },
  );
  stored.catch(() => {});
  // It may break off before anybody reads it; then who reads it finds it broken.
  zip.on('error', () => {});
  return { zip, stored };
};
