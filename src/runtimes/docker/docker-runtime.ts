import { abortable } from '../../lib/abortable.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { type RegistryLogins, registryLogins } from '../registry-logins.ts';
import type { Runtime, SweepScope, Swept } from '../runtime.ts';
import { type Attempt, makeAttempts } from './attempts.ts';
import type { Environment } from './engine/docker-config.ts';
import type { Engine } from './engine/engine.ts';
import { asRuntimeError } from './failures.ts';
import { makeParts } from './parts.ts';
import { cacheRole, label } from './labels.ts';
import { titleOf } from './titles.ts';
import { type LostVolumes, removeLabelled, removeNamed } from './sweep.ts';

export type DockerOptions = {
  readonly engine: Engine;
  /** Stands before all names and in all labels; lower case. Those of another namespace are never touched. */
  readonly namespace?: string;
  readonly allowPrivileged?: boolean;
  /** Host paths that stages may mount, with all that is below them. They are paths of the engine's machine. */
  readonly allowHostPaths?: readonly string[];
  readonly clock?: Clock;
  /** Where the Docker configuration with the registries' logins is. */
  readonly env?: Environment;
  /** Those of attempts; they go before the configuration's. */
  readonly logins?: RegistryLogins;
};

const nothing: Swept = { containers: 0, volumes: 0, networks: 0, images: 0 };

/** Items as containers of a Docker Engine; see docs/adr/0020 to 0022 for how. */
export const dockerRuntime = (options: DockerOptions): Runtime => {
  const { engine, namespace = 'cion', clock = systemClock, env = process.env, logins = registryLogins() } = options;
  const parts = makeParts({ engine, namespace, clock, env, logins });
  const { allowPrivileged = false, allowHostPaths = [] } = options;
  const {
    names,
    pauses: { spares },
  } = parts;
  const attempts = makeAttempts(parts, { allowPrivileged, allowHostPaths });

  const sweep = async (scope: SweepScope, signal: AbortSignal): Promise<Swept> => {
    const all = { [label.namespace]: namespace };
    switch (scope.kind) {
      case 'attempt': {
        const { run, stage, attempt } = scope;
        const ended = await attempts.end((item) => item.run === run && item.stage.name === stage && item.attempt === attempt);
        const labels = { ...all, [label.run]: run, [label.stage]: stage, [label.attempt]: String(attempt) };
        return removeLabelled(engine, labels, {}, signal).finally(() => released(ended));
      }
      case 'run': {
        const ended = await endRuns((run) => run === scope.run, [scope.run]);
        const [swept, taken] = await Promise.all([
          removeLabelled(
            engine,
            { ...all, [label.run]: scope.run },
            { images: true, lostVolumes: { prefix: names.ofRun(scope.run), isMeant: () => true } },
            signal,
          ),
          spares.removeOf(scope.run, signal),
        ]).finally(() => released(ended));
        return { ...swept, containers: swept.containers + taken };
      }
      case 'images':
        return removeNamed(engine, scope.images, signal);
      case 'spare':
        return { ...nothing, containers: await spares.remove(signal) };
      case 'unused': {
        const containers = await spares.remove(signal);
        const networks = await parts.stageNetwork.removeUnused(signal);
        const images = await parts.pauseImage.removeUnused(signal);
        return { containers, volumes: 0, networks, images };
      }
      case 'all': {
        const kept = new Set(scope.exceptRuns);
        const ended = await endRuns((run) => !kept.has(run), parts.runs.known());
        if (kept.size === 0) {
          parts.pauseImage.forget();
          parts.stageNetwork.forget();
        }
        const [swept, taken] = await Promise.all([
          removeLabelled(
            engine,
            all,
            { ...(kept.size > 0 ? { spare: kept } : {}), images: true, lostVolumes: lostOf(scope.exceptRuns) },
            signal,
          ),
          spares.removeAllBut(scope.exceptRuns, signal),
        ]).finally(() => released(ended));
        return { ...swept, containers: swept.containers + taken };
      }
      case 'caches': {
        const { project } = scope;
        const caches = { ...all, [label.role]: cacheRole, ...(project === undefined ? {} : { [label.project]: project }) };
        return removeLabelled(engine, caches, {}, signal);
      }
    }
  };

  const lostOf = (exceptRuns: readonly string[]): LostVolumes => {
    const kept = exceptRuns.map((run) => names.ofRun(run));
    return { prefix: names.ofRuns, isMeant: (name) => !kept.some((prefix) => name.startsWith(prefix)) };
  };

  const released = (ended: readonly Attempt[]): void => {
    for (const each of ended) each.release();
  };

  const endRuns = async (isMeant: (run: string) => boolean, runs: readonly string[]): Promise<readonly Attempt[]> => {
    const ended = await attempts.end((item) => isMeant(item.run));
    await Promise.all(runs.filter(isMeant).map((run) => parts.runs.forget(run)));
    return ended;
  };

  const translated = async <T>(doing: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw asRuntimeError(error, doing);
    }
  };

  return {
    name: `Docker Engine at ${engine.name}`,

    ready: (signal) => translated('nothing can be made ready', signal, () => abortable(spares.keep(), signal)),

    prepare: (item, notify, signal) =>
      translated(`${titleOf(item.stage)} cannot be prepared`, signal, async () => {
        const attempt = attempts.of(item);
        const stop = attempt.listen(notify);
        try {
          return (await abortable(attempt.prepare(), signal)).prepared;
        } finally {
          stop();
        }
      }),

    start: (item, values, signal) =>
      translated(`${titleOf(item.stage)} cannot be started`, signal, () => abortable(attempts.of(item).start(values), signal)),

    attach: (item, signal) =>
      translated(`${titleOf(item.stage)} cannot be found`, signal, () => abortable(attempts.attach(item, signal), signal)),

    write: (volume, tar, signal) =>
      translated(`the volume ${volume.volume} cannot be written`, signal, () => parts.volumes.write(volume, tar, signal)),

    read: (volume, signal) => translated(`the volume ${volume.volume} cannot be read`, signal, () => parts.volumes.read(volume, signal)),

    sweep: (scope, signal) => translated('not everything can be removed', signal, () => sweep(scope, signal)),
  };
};
