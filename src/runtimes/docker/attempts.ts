import { randomBytes } from 'node:crypto';
import { abortable } from '../../lib/abortable.ts';
import { allSettled } from '../../lib/all-settled.ts';
import type { Stage, Steps } from '../../plan/plan.ts';
import type { Attached, Execution, Item, Prepared, PrepareNote, Values } from '../runtime.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { ContainerRecord } from './api.ts';
import type { Box } from './boxes.ts';
import { argvOf } from './argv.ts';
import { titleOf } from './titles.ts';
import type { ContainerSpec, EngineMount } from './containers.ts';
import { makeExecution } from './execution.ts';
import { lateNamesOf, literalsOf } from './known-env.ts';
import type { Image } from './images.ts';
import { type Inputs, makeInputs } from './inputs.ts';
import { type Labels, label } from './labels.ts';
import { type Leave, refuseWhatIsNotAllowed } from './leave.ts';
import { makeMounts, type Mounts } from './mounts.ts';
import type { Parts } from './parts.ts';
import type { Lease } from './pauses.ts';
import { makeServices, type Services } from './services.ts';
import { standingOf } from './standing.ts';
import { stateDirectory, stepsDirectory } from './steps/conductor.ts';
import { areKnown, asks, directoriesOf, stepFiles, stepsOf } from './steps/step-files.ts';

/** What this process has of one item, from its first prepare to its sweep. */
export type Attempt = {
  readonly item: Item;
  /** Is told what was noted so far, and what comes, until the returned function is called. */
  listen(notify: (note: PrepareNote) => void): () => void;
  prepare(): Promise<Ready>;
  start(values: Values): Promise<Execution>;
  /** Whether this process made its container and has not let it go. */
  isHeldHere(): Promise<boolean>;
  /** Takes over a container that another process let go. */
  adopt(record: ContainerRecord): Promise<Execution>;
  /** `undefined`: nothing was let go here. */
  execution(): Promise<Execution> | undefined;
  /** Stops all that is under way for it; resolves when nothing is being made any more. */
  end(): Promise<void>;
  /** Gives back what it shares with others; after its container is gone. */
  release(): void;
};

export type Ready = {
  readonly prepared: Prepared;
  readonly image: Image;
  readonly spec: ContainerSpec;
  readonly made: MadeOf;
  readonly filled: Fill;
  /** What leads these steps. */
  readonly conducting: (steps: Steps) => Values['files'];
};
/** Puts into its volumes what they hold from the start. */
type Fill = (files: Values['files'], signal: AbortSignal) => Promise<void>;
type MadeOf = { readonly kind: 'box'; readonly box: Box } | { readonly kind: 'live'; readonly record: ContainerRecord };

export const makeAttempts = (parts: Parts, leave: Leave) => {
  const attempts = new Map<string, Attempt>();
  const { names, engine } = parts;

  const of = (item: Item): Attempt => {
    const name = names.container(item);
    const known = attempts.get(name);
    if (known !== undefined) return known;
    const attempt = newAttempt(parts, leave, item);
    attempts.set(name, attempt);
    return attempt;
  };

  return {
    of,

    attach: async (item: Item, signal: AbortSignal): Promise<Attached> => {
      const known = attempts.get(names.container(item));
      const execution = await known?.execution()?.catch(() => undefined);
      if (execution === undefined && (await known?.isHeldHere()) === true) return { kind: 'unstarted' };
      const standing = await standingOf(engine, names.container(item), signal);
      if (standing.kind === 'unstarted') return { kind: standing.isUncertain === true ? 'gone' : 'unstarted' };
      if (standing.kind === 'gone') return standing;
      const attempt = of(item);
      return { kind: 'live', execution: execution === undefined ? await attempt.adopt(standing.record) : execution };
    },

    /** Of those that are meant; each is to be released when its containers are gone. */
    end: async (isMeant: (item: Item) => boolean): Promise<readonly Attempt[]> => {
      const meant = [...attempts].filter(([, { item }]) => isMeant(item));
      for (const [name] of meant) attempts.delete(name);
      await Promise.all(meant.map(([, attempt]) => attempt.end()));
      return meant.map(([, attempt]) => attempt);
    },
  };
};

const newAttempt = (parts: Parts, leave: Leave, item: Item): Attempt => {
  const { stage } = item;
  const { names, engine, exits, boxes, logDriver, pauses, images } = parts;
  const name = names.container(item);
  const title = titleOf(stage);
  const steps = stepsOf(stage);
  const marks = randomBytes(8).toString('hex');
  const over = new AbortController();
  const { signal } = over;
  const notes: PrepareNote[] = [];
  const listeners = new Set<(note: PrepareNote) => void>();
  let preparing: Promise<Ready> | undefined;
  let going: Promise<Execution> | undefined;
  let lease: Lease | undefined;
  let services: Services | undefined;
  let held: Promise<void> | undefined;
  let wasLetGo = false;

  const notify = (note: PrepareNote): void => {
    if (note.kind !== 'pulling' && note.kind !== 'building') notes.push(note);
    for (const listener of listeners) listener(note);
  };

  const hold = (): Promise<void> => {
    held ??= exits.hold().catch((error: unknown) => {
      held = undefined;
      exits.release();
      throw error;
    });
    return held;
  };

  const network = async (): Promise<string> => {
    if (services !== undefined) return services.network();
    const leased = await pauses.lease(item);
    if (signal.aborted) leased.giveBack();
    else lease = leased;
    return leased.networkMode;
  };

  const make = async (): Promise<Ready> => {
    refuseWhatIsNotAllowed(stage, leave);
    const runSignal = parts.runs.signal(item.run);
    if (hasOwnNetwork(stage)) services ??= makeServices(parts, item, hold, notify, signal);
    const labels = parts.labelsOf(item, item.part ?? 'stage');
    const resolving = abortable(images.resolve(item.run, stage.image, notify, runSignal), signal);
    const account = resolving.then((found) => parts.accounts.of(item, found, labels, signal));
    const [image, networkMode, mounts, user, inputs] = await allSettled([
      resolving,
      network(),
      makeMounts(parts, item, signal),
      account,
      account.then((found) => makeInputs(parts, item, inputPaths(stage), found)),
      hold(),
      services?.start(runSignal),
      logDriver.name(),
    ]);
    signal.throwIfAborted();
    notify({ kind: 'resolved', image: image.resolved });
    // What root makes in the container itself is there ten times sooner than through the engine.
    const makes = steps !== undefined && user?.uid === 0 ? directoriesOf(stage) : [];
    const spec: ContainerSpec = {
      name,
      title,
      image: image.id,
      labels: steps === undefined ? labels : { ...labels, [label.marks]: marks },
      argv: argvOf(stage.command, image, marks),
      env: literalsOf(stage.env),
      workdir: stage.workdir ?? image.workdir,
      ...(stage.user === undefined ? {} : { user: stage.user }),
      mounts: [...mounts.at(user), ...inputs.mounts, ...(steps === undefined ? [] : [stateMount(labels)])],
      directories: { paths: makes.length > 0 ? [] : directoriesOf(stage), uid: user?.uid ?? 0, gid: user?.gid ?? 0 },
      ...(asks(stage) ? { reads: 'stdin' } : {}),
      ...(steps === undefined
        ? {}
        : { needsShell: `the image ${image.resolved.reference} has no /bin/sh, which the steps of ${title} need` }),
      limits: stage.limits,
      live: stage.log === 'live',
      privileged: false,
      networkMode,
      healthcheck: false,
    };
    const conducting = (all: Steps): Values['files'] => stepFiles(stage, all, { workdir: spec.workdir || '/', makes });
    const ready = { prepared: { container: name, image: image.resolved }, image, filled: fillOf(mounts, inputs), conducting };
    const [made] = await allSettled([
      boxes.make(spec, image, lateNamesOf(stage.env), signal).then(
        (box) => ({ spec, made: box }),
        (error: unknown) => {
          if (lease?.isLost(error) !== true) throw error;
          return remade(spec, image, true);
        },
      ),
      inputs.fillAhead(steps !== undefined && areKnown(steps) ? conducting(steps) : [], signal),
    ]);
    return { ...ready, ...made };
  };

  const prepare = (): Promise<Ready> => {
    if (preparing === undefined) {
      const made = make();
      preparing = made;
      made.catch(() => {
        if (preparing === made) preparing = undefined;
      });
    }
    return preparing;
  };

  const adopt = async (record: ContainerRecord): Promise<Execution> => {
    await hold();
    const watch = exits.watch(record.Id);
    await exits.look(record.Id);
    const live = record.HostConfig.LogConfig.Type === 'none';
    return makeExecution(
      parts,
      item,
      { id: record.Id, name, title, stopSignal: record.Config.StopSignal || 'SIGTERM', live, marks: record.Config.Labels?.[label.marks] },
      watch,
    );
  };

  /** Another namespace, because somebody still runs in the one that was to be free by now; or another container, because it was lost. */
  const again = async (ready: Ready, move: boolean): Promise<Ready> => {
    if (ready.made.kind === 'box') ready.made.box.cut();
    return { ...ready, ...(await remade(ready.spec, ready.image, move)) };
  };

  const remade = async (before: ContainerSpec, image: Image, move: boolean): Promise<Pick<Ready, 'spec' | 'made'>> => {
    await boxes.removed(name, signal);
    if (move) lease?.giveBack();
    const spec = move ? { ...before, networkMode: await network() } : before;
    return { spec, made: await boxes.make(spec, image, lateNamesOf(stage.env), signal) };
  };

  const launch = async (values: Values): Promise<Execution> => {
    let ready = await prepare();
    if (wasLetGo) {
      const standing = await standingOf(engine, name, signal);
      if (standing.kind === 'live') return adopt(standing.record);
      if (standing.kind === 'gone')
        throw new RuntimeError('CONTAINER_GONE', `the container of ${title} was removed after its command was let go`);
      if (standing.isUncertain === true)
        throw new RuntimeError(
          'CONTAINER_GONE',
          `the engine was restarted when it let the command of ${title} go: whether it ran cannot be known`,
        );
      ready = await again(ready, false);
    } else if (lease?.isShared() === true) ready = await again(ready, true);
    else if (ready.made.kind === 'box' && ready.made.box.isLost()) {
      const standing = await standingOf(engine, name, signal);
      if (standing.kind === 'live')
        throw new RuntimeError('CONTAINER_START_FAILED', `the container of ${title} ended before its command was let go`);
      ready = await again(ready, false);
    }
    if (ready.made.kind === 'live') return adopt(ready.made.record);
    await services?.release(values.serviceEnv);
    signal.throwIfAborted();
    const env = Object.fromEntries(Object.entries(values.env).map(([key, { value }]) => [key, value]));
    const conducted = steps === undefined ? [] : ready.conducting(values.steps ?? steps);
    const files = [...values.files, ...conducted];
    const { id, watch, tap } = await ready.made.box.letGo(env, async () => {
      await ready.filled(files, signal);
      wasLetGo = true;
    });
    lease?.go(watch.exit);
    return makeExecution(
      parts,
      item,
      { id, name, title, stopSignal: ready.image.stopSignal, live: ready.spec.live, marks: ready.spec.labels[label.marks] },
      watch,
      tap,
    );
  };

  /** Until it is known that it went nowhere, or its end will not be heard of: then it can be taken over again. */
  const keep = (begun: Promise<Execution>): Promise<Execution> => {
    going = begun;
    begun
      .then(({ exit }) => exit)
      .catch(() => {
        if (going !== begun) return;
        going = undefined;
        if (held !== undefined) exits.release();
        held = undefined;
      });
    return begun;
  };

  return {
    item,
    prepare,
    isHeldHere: async () => !wasLetGo && (await preparing?.catch(() => undefined))?.made.kind === 'box',
    adopt: (record: ContainerRecord): Promise<Execution> => going ?? keep(adopt(record)),
    listen: (listener: (note: PrepareNote) => void) => {
      for (const note of notes) listener(note);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: (values: Values): Promise<Execution> => going ?? keep(launch(values)),
    execution: () => going,
    end: async (): Promise<void> => {
      over.abort(new RuntimeError('CONTAINER_GONE', `${title} was swept away`));
      await Promise.allSettled([preparing, going, services?.settled()]);
      const ready = await preparing?.catch(() => undefined);
      if (ready?.made.kind === 'box') ready.made.box.cut();
    },
    release: (): void => {
      lease?.giveBack();
      if (held !== undefined) void held.catch(() => {}).then(() => exits.release());
    },
  };
};

const inputPaths = (stage: Stage): readonly string[] => [
  ...stage.files.map(({ path }) => path),
  ...(stepsOf(stage) === undefined ? [] : [`${stepsDirectory}/conductor`]),
];

const stateMount = (labels: Labels): EngineMount => ({
  Type: 'volume',
  Target: stateDirectory,
  ReadOnly: false,
  VolumeOptions: { NoCopy: true, Labels: labels },
});

/** Others of its own are reached by their names in it: services, and containers that a step starts. */
const hasOwnNetwork = ({ services, command }: Stage): boolean =>
  services.length > 0 || (command.kind === 'steps' && startsContainers(command));

const startsContainers = ({ steps, after }: Steps): boolean =>
  [...steps, ...after].some(({ action }) => action.kind === 'internal' && action.what === 'run');

const fillOf =
  (mounts: Mounts, inputs: Inputs): Fill =>
  async (files, signal) => {
    await mounts.fill(signal);
    await inputs.fill(files, signal);
  };
