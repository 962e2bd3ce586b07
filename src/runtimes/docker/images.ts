import { assertNever } from '../../lib/assert-never.ts';
import type { ImageSource } from '../../plan/plan.ts';
import { RuntimeError, type RuntimeErrorCode } from '../runtime-error.ts';
import type { PrepareNote, ResolvedImage } from '../runtime.ts';
import type { RegistryLogins } from '../registry-logins.ts';
import type { ImageRecord } from './api.ts';
import { authFor } from './auth-for.ts';
import type { Builds } from './builds.ts';
import { DockerConfigError, type Environment } from './engine/docker-config.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { familiarName, type ImageReference, parseImageReference } from '../../plan/image-reference.ts';
import { asRuntimeError, isRefusal } from './failures.ts';

export type Image = {
  readonly id: string;
  readonly resolved: ResolvedImage;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workdir: string;
  readonly envNames: readonly string[];
  readonly hasHealthcheck: boolean;
  readonly stopSignal: string;
  /** As `docker run --user`; empty: root. */
  readonly user: string;
  /** What its environment says. */
  readonly home: string | undefined;
};

type Notify = (note: PrepareNote) => void;

/**
 * Each image once per run; whoever asks while a pull is under way joins it. What the engine has of a registry where runs have logins of their own is only
 * taken for the run's own project: else the registry is asked, so that nobody runs what another project left on the engine.
 */
export const makeImages = (engine: Engine, env: Environment, builds: Builds, logins: RegistryLogins) => {
  const runs = new Map<string, Map<string, Resolving>>();

  const resolve = async (run: string, source: ImageSource, notify: Notify, signal: AbortSignal): Promise<Image> => {
    const reference = await referenceOf(run, source, notify, signal);
    const parsed = parseImageReference(reference);
    if (!parsed.ok) throw new RuntimeError('IMAGE_NOT_FOUND', `the image ${JSON.stringify(reference)} ${parsed.message}`);
    const explicit = parsed.image.tag === 'latest' && !/:latest(@|$)/.test(reference) ? `${reference}:latest` : reference;
    const isAsked = logins.isGuarded(parsed.image) && !logins.owns(run, parsed.image);
    const local = isAsked ? undefined : await find(parsed.image, signal);
    if (local !== undefined) return imageOf(local, parsed.image, explicit, false);
    await pull(run, parsed.image, explicit, notify, signal);
    const pulled = await find(parsed.image, signal);
    if (pulled === undefined) throw new RuntimeError('IMAGE_PULL_FAILED', `the image ${explicit} was pulled and is gone again`);
    return imageOf(pulled, parsed.image, explicit, true);
  };

  const referenceOf = async (run: string, source: ImageSource, notify: Notify, signal: AbortSignal): Promise<string> => {
    switch (source.kind) {
      case 'reference':
        return source.reference;
      case 'build':
        return builds.ensure(run, source, notify, signal);
      case 'stage':
      case 'output':
        throw new RuntimeError('UNSUPPORTED', `nobody said which image the one of the stage "${source.stage}" is`);
      default:
        return assertNever(source);
    }
  };

  const find = async (image: ImageReference, signal: AbortSignal): Promise<ImageRecord | undefined> =>
    (await inspect(fullName(image), signal)) ??
    (image.digest === undefined ? undefined : ownOf(image, await inspect(image.digest, signal)));

  const inspect = async (name: string, signal: AbortSignal): Promise<ImageRecord | undefined> => {
    try {
      return await engine.json<ImageRecord>('GET', `/images/${name}/json`, { signal });
    } catch (error) {
      if (isRefusal(error, 404)) return undefined;
      throw error;
    }
  };

  const pull = async (run: string, image: ImageReference, reference: string, notify: Notify, signal: AbortSignal): Promise<void> => {
    try {
      const auth = await authFor(run, image, logins, env, signal);
      const query = { fromImage: `${image.registry}/${image.repository}`, tag: image.digest ?? image.tag };
      const headers = auth === undefined ? {} : { 'x-registry-auth': auth };
      const layers = new Map<string, { readonly done: number; readonly total: number }>();
      for await (const message of engine.progress<PullMessage>('POST', '/images/create', { query, headers, signal })) {
        const { id, status, progressDetail } = message;
        if (id === undefined || status !== 'Downloading' || progressDetail?.total === undefined) continue;
        layers.set(id, { done: progressDetail.current ?? 0, total: progressDetail.total });
        const sum = (of: 'done' | 'total'): number => [...layers.values()].reduce((bytes, layer) => bytes + layer[of], 0);
        notify({ kind: 'pulling', reference, doneBytes: sum('done'), totalBytes: sum('total') });
      }
    } catch (error) {
      if (error instanceof DockerConfigError)
        throw new RuntimeError('IMAGE_DENIED', `the image ${reference} cannot be pulled: ${error.message}`, { cause: error });
      if (!(error instanceof EngineError) || error.code !== 'refused') throw error;
      throw asRuntimeError(error, `the image ${reference} cannot be pulled`, pullFailure(error));
    }
  };

  return {
    resolve: (run: string, source: ImageSource, notify: Notify, signal: AbortSignal): Promise<Image> => {
      const key = JSON.stringify(source);
      const ofRun = runs.get(run) ?? new Map<string, Resolving>();
      runs.set(run, ofRun);
      const known = ofRun.get(key);
      if (known !== undefined) {
        known.listeners.add(notify);
        return known.image;
      }
      const listeners = new Set([notify]);
      const tell: Notify = (note) => {
        for (const listener of listeners) listener(note);
      };
      const image = resolve(run, source, tell, signal);
      ofRun.set(key, { image, listeners });
      image.catch(() => ofRun.delete(key));
      return image;
    },
    forget: (run: string): void => {
      runs.delete(run);
    },
  };
};

type Resolving = { readonly image: Promise<Image>; readonly listeners: Set<Notify> };

type PullMessage = {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
};

/** What no registry has is recorded by its id: a rollback finds it so, as long as the engine has it under that name. */
const ownOf = (image: ImageReference, found: ImageRecord | undefined): ImageRecord | undefined => {
  const isNamedSo = found?.RepoTags?.some((tag) => tag.slice(0, tag.lastIndexOf(':')) === familiarName(image)) === true;
  return isNamedSo && (found?.RepoDigests ?? []).length === 0 ? found : undefined;
};

export const fullName = ({ registry, repository, tag, digest }: ImageReference): string =>
  `${registry}/${repository}${digest === undefined ? `:${tag}` : `@${digest}`}`;

const imageOf = (record: ImageRecord, image: ImageReference, reference: string, pulled: boolean): Image => {
  const names = [`${image.registry}/${image.repository}`, familiarName(image)];
  const known = (record.RepoDigests ?? []).find((digest) => names.includes(digest.slice(0, digest.indexOf('@'))));
  const { Entrypoint, Cmd, Env, User, WorkingDir, Healthcheck, StopSignal } = record.Config;
  return {
    id: record.Id,
    resolved: {
      reference,
      pulled,
      ...(known === undefined ? { digest: record.Id } : { digest: known.slice(known.indexOf('@') + 1), ofRegistry: true as const }),
    },
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    workdir: WorkingDir || '/',
    envNames: (Env ?? []).map((entry) => entry.split('=', 1)[0] ?? ''),
    hasHealthcheck: Healthcheck?.Test !== undefined && Healthcheck.Test[0] !== 'NONE',
    stopSignal: StopSignal || 'SIGTERM',
    user: User ?? '',
    home: (Env ?? []).find((entry) => entry.startsWith('HOME='))?.slice('HOME='.length) || undefined,
  };
};

export const pullFailure = ({ message, status }: EngineError): RuntimeErrorCode => {
  if (/manifest unknown|not found|does not exist|no such image|name unknown/i.test(message) || status === 404) return 'IMAGE_NOT_FOUND';
  if (/unauthorized|authentication required|no basic auth|denied|forbidden|incorrect username/i.test(message)) return 'IMAGE_DENIED';
  return 'IMAGE_PULL_FAILED';
};
