import type { Readable } from 'node:stream';
import { posix } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { digestOf } from '../../lib/canonical-json.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Execution, Exit, Item, LogChunk, Prepared, PrepareNote, Runtime, Swept, Values } from '../runtime.ts';
import { type FakeVolume, fakeVolume } from './fake-volume.ts';
import { runSteps } from './fake-steps.ts';
import { type Program, programOf } from './program.ts';

/**
 * A Runtime without containers: a stage does what its literal env says, in memory, on the given clock. It passes the contract suite, and
 * it is there for people too: `cion run --runtime fake` shows how a pipeline flows without running any of it.
 *
 * | variable | what the stage does |
 * | --- | --- |
 * | FAKE_PREPARE_MS | prepare takes so long |
 * | FAKE_PREPARE_ERROR | prepare throws a RuntimeError with this code |
 * | FAKE_START_ERROR | start throws a RuntimeError with this code |
 * | FAKE_COMMIT_ERROR | commit throws a RuntimeError with this code |
 * | FAKE_STDOUT, FAKE_STDERR | writes this text |
 * | FAKE_PRINT_ENV | writes its variables to stdout, `NAME=value` a line, those named FAKE_… left out |
 * | FAKE_PRINT_FILE | writes this file (from a volume or an input file) to stdout; exit 1 if there is none |
 * | FAKE_WRITE | a JSON object, path → content: writes these files into the volumes mounted there, when it exits |
 * | FAKE_SLEEP_MS | takes so long between its output and its exit |
 * | FAKE_EXIT | exits with this code (default 0); `1,0`: with 1 in its first attempt, with 0 in all others |
 * | FAKE_OOM | runs out of memory: exit 137 unless FAKE_EXIT says otherwise |
 * | FAKE_IGNORE_STOP | does not end when asked politely |
 * | FAKE_STEP_…_id | for the step of that id what it says itself, as in FAKE_STEP_EXIT_id |
 *
 * In this order: output, sleep, files, exit. A stage with steps does what the literal variables of each step say: FAKE_STDOUT, FAKE_STDERR,
 * FAKE_PRINT_ENV, FAKE_SLEEP_MS, FAKE_WRITE, FAKE_EXIT, and FAKE_MESSAGE and FAKE_NUMBERS (JSON) for what it says of itself. What is written
 * outside of all volumes can be taken after the end. What its `done` does is said the same way, as in FAKE_DONE_EXIT. A relative path begins at the
 * stage's workdir, or `/`. The home of root is `/root`, of any other user `/`, unless a literal HOME says otherwise. Images are names; one that a
 * Dockerfile builds is named by what its directory holds, and `fake.print/HEX` writes these bytes to stdout by itself.
 */
export const fakeRuntime = (options: { readonly clock: Clock; readonly world?: FakeWorld }): Runtime => {
  const { clock, world = fakeWorld() } = options;
  const letGoHere = new WeakSet<Execution>();

  /** As this process sees it. */
  const seen = (item: Item, execution: Execution): Execution =>
    item.stage.log !== 'live' || letGoHere.has(execution) ? execution : { ...execution, logs: () => unread(item) };

  const prepare = async (item: Item, signal: AbortSignal): Promise<FakeContainer> => {
    signal.throwIfAborted();
    const known = world.container(item);
    if (known !== undefined) return known;
    const program = programOf(item);
    if (program.prepareMs > 0) await sleep(clock, program.prepareMs, signal);
    if (program.prepareError !== undefined) throw new RuntimeError(program.prepareError, `${item.stage.name} cannot be prepared`);
    return world.add(item, program);
  };

  return {
    name: 'fake, in memory',

    prepare: async (item, notify, signal): Promise<Prepared> => {
      signal.throwIfAborted();
      const reference = referenceOf(world, item, notify);
      const image = { reference, digest: digestOf(reference), pulled: false };
      mountsOf(world, item);
      const { name } = await prepare(item, signal);
      notify({ kind: 'resolved', image });
      for (const service of item.stage.services) notify({ kind: 'service-ready', service: service.name });
      return { container: name, image };
    },

    start: async (item, values, signal) => {
      const container = await prepare(item, signal);
      if (container.execution !== undefined) return seen(item, container.execution);
      if (container.program.startError !== undefined) {
        throw new RuntimeError(container.program.startError, `${item.stage.name} cannot be started`);
      }
      container.execution = execute(clock, world, container, values);
      letGoHere.add(container.execution);
      return container.execution;
    },

    attach: async (item, signal) => {
      signal.throwIfAborted();
      const container = world.container(item);
      if (container === undefined) return { kind: 'gone' };
      return container.execution === undefined ? { kind: 'unstarted' } : { kind: 'live', execution: seen(item, container.execution) };
    },

    ready: async () => {},

    write: (ref, tar, signal) => world.volume(ref.run, ref.volume).unpack(tar, signal),

    read: async (ref, signal): Promise<Readable | undefined> => {
      signal.throwIfAborted();
      return world
        .volume(ref.run, ref.volume)
        .within(ref.directory ?? '')
        ?.packed();
    },

    sweep: async (scope): Promise<Swept> => {
      switch (scope.kind) {
        case 'attempt':
          return { ...nothing, containers: world.remove(scope.run, scope.stage, scope.attempt) };
        case 'run':
          return { ...nothing, ...world.removeRun(scope.run) };
        case 'images':
          return { ...nothing, images: world.forget(scope.images) };
        case 'spare':
        case 'unused':
          return nothing;
        case 'all': {
          const removed = world
            .runs()
            .filter((run) => !scope.exceptRuns.includes(run))
            .map((run) => world.removeRun(run));
          const sum = (of: 'containers' | 'volumes' | 'images'): number => removed.reduce((all, each) => all + each[of], 0);
          if (scope.exceptRuns.length === 0) world.builds.clear();
          return { ...nothing, containers: sum('containers'), volumes: sum('volumes'), images: sum('images') };
        }
        case 'caches':
          return { ...nothing, volumes: world.removeCaches(scope.project) };
      }
    },
  };
};

/** What several fake runtimes share, as several processes share an engine. */
export type FakeWorld = ReturnType<typeof fakeWorld>;

type FakeContainer = {
  readonly name: string;
  readonly item: Item;
  readonly program: Program;
  /** What is in no volume. */
  files?: FakeVolume;
  execution?: Execution;
  kill?: () => void;
};

export const fakeWorld = () => {
  const containers = new Map<string, Map<string, FakeContainer>>();
  const volumes = new Map<string, Map<string, FakeVolume>>();
  /** What runs committed without a name, by run. */
  const images = new Map<string, Set<string>>();
  /** By project. */
  const caches = new Map<string, Map<string, FakeVolume>>();
  const inside = (within: Map<string, Map<string, FakeVolume>>, owner: string, name: string): FakeVolume => {
    const owned = within.get(owner) ?? new Map<string, FakeVolume>();
    within.set(owner, owned);
    const volume = owned.get(name) ?? fakeVolume();
    owned.set(name, volume);
    return volume;
  };
  const named = new Map<string, string>();
  const keyOf = (stage: string, attempt: number, part = ''): string => `${attempt}/${part}/${stage}`;

  return {
    /** What was committed under a name, by that: the digest. */
    named,
    forget: (images: readonly { readonly reference: string; readonly digest: string }[]): number => {
      const meant = images.filter(({ reference, digest }) => named.get(reference) === digest);
      for (const { reference } of meant) named.delete(reference);
      const left = new Set(named.values());
      return new Set(meant.map(({ digest }) => digest).filter((digest) => !left.has(digest))).size;
    },
    /** References of images that were built. */
    builds: new Set<string>(),
    commit: (run: string, reference: string): void => {
      images.set(run, new Set([...(images.get(run) ?? []), reference]));
    },
    container: (item: Item) => containers.get(item.run)?.get(keyOf(item.stage.name, item.attempt, item.part)),
    add: (item: Item, program: Program): FakeContainer => {
      const part = item.part === undefined ? '' : `-${item.part}`;
      const container: FakeContainer = {
        name: `fake-${item.run}-${item.stage.name}-${item.attempt}${part}`,
        item,
        program,
      };
      const ofRun = containers.get(item.run) ?? new Map<string, FakeContainer>();
      containers.set(item.run, ofRun.set(keyOf(item.stage.name, item.attempt, item.part), container));
      return container;
    },
    volume: (run: string, name: string): FakeVolume => inside(volumes, run, name),
    cache: (project: string, key: string): FakeVolume => inside(caches, project, key),
    removeCaches: (project: string | undefined): number => {
      const meant = project === undefined ? [...caches.keys()] : [project];
      return meant.reduce((sum, each) => {
        const count = caches.get(each)?.size ?? 0;
        caches.delete(each);
        return sum + count;
      }, 0);
    },
    runs: () => [...new Set([...containers.keys(), ...volumes.keys(), ...images.keys()])],
    remove: (run: string, stage: string, attempt: number): number => {
      const ofRun = containers.get(run);
      const keys = [keyOf(stage, attempt), keyOf(stage, attempt, 'done')];
      for (const key of keys) ofRun?.get(key)?.kill?.();
      return keys.filter((key) => ofRun?.delete(key)).length;
    },
    removeRun: (run: string): { readonly containers: number; readonly volumes: number; readonly images: number } => {
      const removed = {
        containers: containers.get(run)?.size ?? 0,
        volumes: volumes.get(run)?.size ?? 0,
        images: images.get(run)?.size ?? 0,
      };
      images.delete(run);
      for (const container of containers.get(run)?.values() ?? []) container.kill?.();
      containers.delete(run);
      volumes.delete(run);
      return removed;
    },
  };
};

const execute = (clock: Clock, world: FakeWorld, container: FakeContainer, values: Values): Execution => {
  const { program, item } = container;
  const files = mountedFiles(world, container, values);
  const printed = program.printFile === undefined ? undefined : files.read(program.printFile);
  const missing = program.printFile !== undefined && printed === undefined;
  const said = Buffer.from(program.stdout + (program.printEnv ? environmentText(values) : ''));
  const stdout = printed === undefined ? said : Buffer.concat([said, printed]);
  const stderr = Buffer.from(missing ? `${program.printFile}: no such file\n` : program.stderr);
  const exit = Promise.withResolvers<Exit>();
  let ended = false;
  const steps = item.stage.command.kind === 'steps' ? runSteps(clock, item, item.stage.command, values, files.write) : undefined;
  const end = (result: Exit): void => {
    if (ended) return;
    ended = true;
    cancelTimers();
    steps?.end(result);
    exit.resolve(result);
  };
  const finish = (): void => {
    for (const [path, content] of Object.entries(program.writes)) files.write(path, content);
    end({ code: missing ? 1 : program.exit, oom: program.oom });
  };
  let cancelSleep = (): void => {};
  let cancelKill = (): void => {};
  const cancelTimers = (): void => {
    cancelSleep();
    cancelKill();
  };
  const kill = (): void => end({ code: 137, oom: false });
  container.kill = kill;
  if (steps !== undefined) void steps.exit.then(end);
  else if (program.sleepMs > 0) cancelSleep = clock.after(program.sleepMs, finish);
  else finish();

  return {
    container: container.name,
    async *logs(from, signal, onMark): AsyncGenerator<LogChunk> {
      signal.throwIfAborted();
      if (steps !== undefined) {
        yield* steps.logs(from, signal, onMark);
        return;
      }
      if (stdout.length > from.stdout) yield { stream: 'stdout', bytes: stdout.subarray(from.stdout) };
      if (stderr.length > from.stderr) yield { stream: 'stderr', bytes: stderr.subarray(from.stderr) };
      if (!ended) await abortable(exit.promise, signal);
    },
    exit: exit.promise,
    stop: async (graceMs) => {
      if (!program.ignoresStop) return end({ code: 143, oom: false });
      cancelKill();
      if (graceMs <= 0) return kill();
      cancelKill = clock.after(graceMs, kill);
    },
    interrupt: async () => steps?.interrupt(),
    take: async (path, signal) => {
      signal.throwIfAborted();
      return filesOf(container).within(path)?.packed();
    },
    mayHaveStepArtifacts: () => true,
    commit: async (names, signal, push) => {
      signal.throwIfAborted();
      if (program.commitError !== undefined) throw new RuntimeError(program.commitError, `${item.stage.name} cannot be committed`);
      const reference = names[0] ?? `fake-image:${digestOf(JSON.stringify([item.run, item.stage.name])).slice('sha256:'.length)}`;
      if (push !== undefined) for (const name of names) push(`Pushed ${name}`);
      if (names.length === 0) world.commit(item.run, reference);
      const digest = digestOf(JSON.stringify([item.run, item.stage.name, item.attempt]));
      for (const name of names) world.named.set(name, digest);
      return { reference, digest };
    },
  };
};

const unread = ({ stage }: Item): AsyncIterable<LogChunk> => {
  const lost = new RuntimeError('LOG_GAP', `the log of "${stage.name}" is live and was not kept: cion died while it ran`);
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(lost) }) };
};

const filesOf = (container: FakeContainer): FakeVolume => {
  if (container.files !== undefined) return container.files;
  const files = fakeVolume();
  for (const directory of container.item.stage.directories ?? []) files.makeDirectory(directory);
  container.files = files;
  return files;
};

/** The files a stage sees at absolute paths: its volumes and its input files. */
const mountedFiles = (world: FakeWorld, container: FakeContainer, values: Values) => {
  const { item } = container;
  const absolute = (path: string): string => posix.resolve(item.stage.workdir ?? '/', placed(item, path));
  const mounts = mountsOf(world, item);
  const mountOf = (path: string) => mounts.filter((mount) => path.startsWith(mount.path)).sort((a, b) => b.path.length - a.path.length)[0];
  return {
    read: (path: string): Uint8Array | undefined => {
      const at = absolute(path);
      const given = values.files.find((file) => absolute(file.path) === at);
      if (given !== undefined) return given.content;
      const mount = mountOf(at);
      return mount?.volume.get(posix.join(mount.inside, at.slice(mount.path.length)));
    },
    write: (path: string, content: string): void => {
      const at = absolute(path);
      const mount = mountOf(at);
      if (mount === undefined) return filesOf(container).put(at, Buffer.from(content), 0o644);
      if (mount.access === 'read-only') return;
      mount.volume.put(posix.join(mount.inside, at.slice(mount.path.length)), Buffer.from(content), 0o644);
    },
  };
};

const mountsOf = (world: FakeWorld, item: Item) =>
  item.stage.mounts.flatMap((mount) => {
    if (mount.kind === 'artifacts') throw new RuntimeError('UNSUPPORTED', `nobody said where the files of "${mount.stage}" are`);
    if (mount.kind === 'host') return [];
    if (mount.kind === 'cache') {
      const volume = world.cache(item.project, mount.key);
      return [{ path: posix.join(placed(item, mount.path), '/'), access: mount.access, volume, inside: '' }];
    }
    const { access, directory } = mount;
    const whole = world.volume(item.run, mount.volume);
    const part = directory === undefined ? whole : whole.within(directory);
    if (part === undefined) {
      throw new RuntimeError('VOLUME_DIRECTORY_MISSING', `the volume "${mount.volume}" has no directory ${JSON.stringify(directory)}`);
    }
    const path = posix.join(placed(item, mount.path), '/');
    return [
      access === 'copy' ? { path, access, volume: part.copy(), inside: '' } : { path, access, volume: whole, inside: directory ?? '' },
    ];
  });

const placed = ({ stage }: Item, path: string): string => {
  if (path !== '~' && !path.startsWith('~/')) return path;
  const told = stage.env['HOME'];
  const [user = ''] = (stage.user ?? '').split(':');
  const home = told?.kind === 'literal' ? told.value : ['', '0', 'root'].includes(user) ? '/root' : '/';
  return posix.join(home, path.slice(1));
};

const environmentText = (values: Values): string =>
  Object.entries(values.env)
    .filter(([name]) => !name.startsWith('FAKE_'))
    .map(([name, { value }]) => `${name}=${value}\n`)
    .join('');

const referenceOf = (world: FakeWorld, item: Item, notify: (note: PrepareNote) => void): string => {
  const { image } = item.stage;
  switch (image.kind) {
    case 'reference':
      return image.reference;
    case 'build': {
      const { context, dockerfile } = image;
      const volume = world.volume(item.run, image.volume);
      const files = volume.within(context);
      if (files === undefined)
        throw new RuntimeError('IMAGE_BUILD_FAILED', `there is no directory ${JSON.stringify(context)} to build it from`);
      const text = volume.get(dockerfile);
      if (text === undefined) throw new RuntimeError('IMAGE_BUILD_FAILED', `there is no Dockerfile ${JSON.stringify(dockerfile)}`);
      const all = [...files.entries].map(([path, { header, content }]) => [
        path,
        header.mode ?? 0,
        Buffer.from(content).toString('base64'),
      ]);
      const reference = `fake-build:${digestOf(JSON.stringify([Buffer.from(text).toString(), all])).slice('sha256:'.length)}`;
      if (!world.builds.has(reference)) {
        world.builds.add(reference);
        for (const line of Buffer.from(text).toString().trim().split('\n')) notify({ kind: 'building', dockerfile, line });
      }
      return reference;
    }
    case 'stage':
    case 'output':
      throw new RuntimeError('UNSUPPORTED', `nobody said which image the one of the stage "${image.stage}" is`);
  }
};

const sleep = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  return abortable(promise, signal).finally(cancel);
};

const abortable = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise: raced, resolve, reject } = Promise.withResolvers<T>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  return raced;
};

const nothing: Swept = { containers: 0, volumes: 0, networks: 0, images: 0 };
