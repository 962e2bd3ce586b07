import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { ContainerRecord, Created } from './api.ts';
import { type ContainerSpec, createBody, type KeepingDriver } from './containers.ts';
import type { Attachment, Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import type { Exits, Watch } from './exits.ts';
import { asRuntimeError, isRefusal, unlessGone } from './failures.ts';
import { heldEntrypoint, letGo, passesExec, passesShell } from './hold.ts';
import type { Image } from './images.ts';
import { label } from './labels.ts';
import { directoriesTar } from './directories.ts';
import type { LogDriver } from './log-driver.ts';
import { leaveWitness } from './restarts.ts';
import { standingOf } from './standing.ts';
import { makeTap, type Tap } from './tap.ts';

/** A container that is ready to let its command go. */
export type Box = {
  /** `fill` comes right before. At most once. */
  letGo(env: Readonly<Record<string, string>>, fill: () => Promise<void>): Promise<Gone>;
  /** Whether what held it is lost: another must be made. */
  isLost(): boolean;
  cut(): void;
};

export type Gone = { readonly id: string; readonly watch: Watch; readonly tap: Tap };

export type Made = { readonly kind: 'box'; readonly box: Box } | { readonly kind: 'live'; readonly record: ContainerRecord };

type Env = Readonly<Record<string, string>>;

/** Makes containers, held where that can be done; see docs/adr/0021-held-start.md. */
export const makeBoxes = (engine: Engine, exits: Exits, logDriver: LogDriver, clock: Clock) => {
  const withoutShell = new Set<string>();

  const remove = (container: string): Promise<unknown> =>
    unlessGone(engine.json('DELETE', `/containers/${container}`, { query: { force: true, v: true } }));

  const post = async (spec: ContainerSpec, env: Env, nonce: string | undefined): Promise<string> => {
    const entrypoint = nonce === undefined ? spec.argv : heldEntrypoint(nonce, spec.argv, spec.reads);
    const labelled = nonce === undefined ? spec : { ...spec, labels: { ...spec.labels, [label.nonce]: nonce } };
    const driver = await logDriver.name();
    const create = (driver: KeepingDriver) =>
      engine.json<Created>('POST', '/containers/create', {
        query: { name: spec.name },
        body: createBody(labelled, entrypoint, env, nonce !== undefined, driver),
      });
    try {
      return await furnished(spec, (await create(driver)).Id);
    } catch (error) {
      if (driver !== 'local' || !(error instanceof EngineError) || !/log.?driver|logging|log opt/i.test(error.message)) throw error;
      logDriver.refused();
      return furnished(spec, (await create('json-file')).Id);
    }
  };

  const furnished = async (spec: ContainerSpec, id: string): Promise<string> => {
    if (spec.directories !== undefined && spec.directories.paths.length > 0) {
      const body = directoriesTar(spec.directories);
      await engine.json('PUT', `/containers/${id}/archive`, { query: { path: '/' }, body });
    }
    return id;
  };

  /** Replaces what a dead process left unstarted; finds what it let go. */
  const create = async (
    spec: ContainerSpec,
    env: Env,
    nonce: string | undefined,
    signal: AbortSignal,
  ): Promise<string | ContainerRecord> => {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await post(spec, env, nonce);
      } catch (error) {
        if (!isRefusal(error, 409)) throw asRuntimeError(error, `${spec.title} cannot be made`, 'CONTAINER_START_FAILED');
      }
      const standing = await standingOf(engine, spec.name, signal);
      if (standing.kind === 'live') return standing.record;
      if (standing.kind === 'unstarted') await removed(spec.name, signal);
      else await untilRemoved(engine, spec.name, signal);
    }
  };

  const removed = async (name: string, signal: AbortSignal): Promise<void> => {
    try {
      await remove(name);
    } catch (error) {
      if (!isRefusal(error, 409)) throw error;
      await untilRemoved(engine, name, signal);
    }
  };

  const attach = (id: string, stdin: boolean, signal: AbortSignal): Promise<Attachment> =>
    engine.attach(`/containers/${id}/attach`, { query: { stream: true, stdin, stdout: true, stderr: true }, signal });

  const tapOf = ({ live }: ContainerSpec) => ({ clock, mayCut: !live });

  const makeHeld = async (spec: ContainerSpec, image: Image, signal: AbortSignal): Promise<Made> => {
    const nonce = randomBytes(8).toString('hex');
    const id = await create(spec, spec.env, nonce, signal);
    if (typeof id !== 'string') return { kind: 'live', record: id };
    const attachment = await attach(id, true, signal);
    const tap = makeTap(attachment, tapOf(spec));
    const witness = leaveWitness(engine, spec.networkMode, id);
    witness.catch(() => {});
    try {
      await engine.json('POST', `/containers/${id}/start`);
      await witness;
    } catch (error) {
      tap.cut();
      if (!(error instanceof EngineError) || !/\/bin\/sh/.test(error.message)) {
        throw asRuntimeError(error, `${spec.title} cannot be started`, 'CONTAINER_START_FAILED');
      }
      withoutShell.add(image.id);
      await removed(id, signal);
      if (spec.needsShell !== undefined) throw new RuntimeError('CONTAINER_START_FAILED', spec.needsShell, { cause: error });
      return makeDirect(spec, signal);
    }
    const box: Box = {
      isLost: () => tap.closed(),
      cut: tap.cut,
      letGo: async (env, fill) => {
        const late = lateOf(spec, env);
        if (!Object.keys(late).every(passesShell)) {
          tap.cut();
          await removed(id, signal);
          const direct = await makeDirect({ ...spec, env }, signal);
          if (direct.kind === 'live') throw new RuntimeError('CONTAINER_START_FAILED', `${spec.title} was started by somebody else`);
          return direct.box.letGo(env, fill);
        }
        await fill();
        const watch = exits.watch(id);
        await attachment.stdin.write(Buffer.from(letGo(nonce, late)));
        return { id, watch, tap };
      },
    };
    return { kind: 'box', box };
  };

  /** Its command goes when the container starts. */
  const makeDirect = async (spec: ContainerSpec, signal: AbortSignal): Promise<Made> => {
    const made = await create(spec, spec.env, undefined, signal);
    if (typeof made !== 'string') return { kind: 'live', record: made };
    await leaveWitness(engine, spec.networkMode, made);
    const again = async (env: Env): Promise<string> => {
      await removed(made, signal);
      const id = await post(spec, env, undefined);
      await leaveWitness(engine, spec.networkMode, id);
      return id;
    };
    const box: Box = {
      isLost: () => false,
      cut: () => {},
      letGo: async (env, fill) => {
        const id = Object.keys(lateOf(spec, env)).length === 0 ? made : await again({ ...spec.env, ...env });
        await fill();
        const watch = exits.watch(id);
        const tap = makeTap(await attach(id, false, signal), tapOf(spec));
        try {
          await engine.json('POST', `/containers/${id}/start`);
        } catch (error) {
          tap.cut();
          if (spec.needsShell !== undefined && /\/bin\/sh/.test(String(error)))
            throw new RuntimeError('CONTAINER_START_FAILED', spec.needsShell, { cause: error });
          const refused = notExecuted(error, spec.argv[0] ?? '', clock);
          if (refused !== undefined) return { id, ...refused };
          throw asRuntimeError(error, `${spec.title} cannot be started`, 'CONTAINER_START_FAILED');
        }
        return { id, watch, tap };
      },
    };
    return { kind: 'box', box };
  };

  return {
    /** `lateNames`: variables whose values come when it is let go. */
    make: (spec: ContainerSpec, image: Image, lateNames: readonly string[], signal: AbortSignal): Promise<Made> => {
      if (spec.argv.length === 0) {
        const message = `the image ${image.resolved.reference} says no command, and ${spec.title} says none`;
        throw new RuntimeError('CONTAINER_START_FAILED', message);
      }
      if (spec.needsShell !== undefined && withoutShell.has(image.id)) throw new RuntimeError('CONTAINER_START_FAILED', spec.needsShell);
      const names = [...image.envNames, ...Object.keys(spec.env), ...lateNames];
      const mayBeHeld = !withoutShell.has(image.id) && passesExec(spec.argv) && names.every(passesShell);
      return mayBeHeld ? makeHeld(spec, image, signal) : makeDirect(spec, signal);
    },
    removed,
  };
};

const lateOf = (spec: ContainerSpec, env: Env): Env =>
  Object.fromEntries(Object.entries(env).filter(([name, value]) => spec.env[name] !== value));

/** What a shell would have said and exited with. */
const notExecuted = (error: unknown, command: string, clock: Clock): Pick<Gone, 'watch' | 'tap'> | undefined => {
  if (!(error instanceof EngineError) || error.code !== 'refused' || !/exec(?:utable|:)/.test(error.message)) return undefined;
  const missing = /not found|no such file/i.test(error.message);
  if (!missing && !/permission denied|exec format error|is a directory/i.test(error.message)) return undefined;
  const line = Buffer.from(`cion: ${command}: ${missing ? 'not found' : 'cannot be executed'}\n`);
  async function* output(): AsyncGenerator<{ readonly stream: 'stderr'; readonly bytes: Buffer }> {
    yield { stream: 'stderr', bytes: line };
  }
  return {
    watch: { exit: Promise.resolve({ code: missing ? 127 : 126, oom: false }), outlivedEngine: () => false },
    tap: makeTap({ output: output(), close: () => {} }, { clock, mayCut: false }),
  };
};

export const untilRemoved = (engine: Engine, container: string, signal: AbortSignal): Promise<unknown> =>
  unlessGone(engine.json('POST', `/containers/${container}/wait`, { query: { condition: 'removed' }, signal }));
