import type { ContainerRecord, ProcessList } from './api.ts';
import { demux } from './engine/demux.ts';
import type { Engine } from './engine/engine.ts';
import { isRefusal, unlessGone } from './failures.ts';
import { neverLetGo } from './hold.ts';
import { label } from './labels.ts';
import { wasRestartedSince } from './restarts.ts';

/** What another process has left of an attempt. */
export type Standing =
  | { readonly kind: 'gone' }
  /** What is left of it may be removed. `isUncertain`: an engine that was killed while it let the command go may have forgotten that. */
  | { readonly kind: 'unstarted'; readonly isUncertain?: true }
  | { readonly kind: 'live'; readonly record: ContainerRecord };

/**
 * A container that is still held is frozen and removed: whoever held it is dead, or has lost it now, and its command never runs.
 */
export const standingOf = async (engine: Engine, name: string, signal: AbortSignal): Promise<Standing> => {
  for (let looks = 0; ; looks++) {
    const record = await unlessGone(engine.json<ContainerRecord>('GET', `/containers/${name}/json`, { signal }));
    if (record === undefined) return { kind: 'gone' };
    const { Status, Running, ExitCode } = record.State;
    const nonce = record.Config.Labels?.[label.nonce];
    if (Status === 'created') {
      const isUncertain = nonce === undefined && (await wasRestartedSince(engine, 'create', record));
      return { kind: 'unstarted', ...(isUncertain ? { isUncertain } : {}) };
    }
    if (Status === 'removing' || Status === 'dead') return { kind: 'gone' };
    if (nonce === undefined) return { kind: 'live', record };
    if (!Running) {
      const hasLog = record.HostConfig.LogConfig.Type !== 'none';
      const unstarted = hasLog && ExitCode === neverLetGo.exitCode && (await beginsWith(engine, record.Id, neverLetGo.text(nonce), signal));
      return unstarted ? { kind: 'unstarted' } : { kind: 'live', record };
    }
    const held = await isHeld(engine, record.Id, nonce, signal);
    if (held === 'ended' && looks < mostLooks) continue;
    if (held !== 'yes') return { kind: 'live', record };
    if (!(await freeze(engine, record.Id, signal))) continue;
    if ((await isHeld(engine, record.Id, nonce, signal)) === 'yes') {
      await unlessGone(engine.json('DELETE', `/containers/${record.Id}`, { query: { force: true, v: true }, signal }));
      return { kind: 'unstarted' };
    }
    await engine.json('POST', `/containers/${record.Id}/unpause`, { signal });
  }
};

const isHeld = async (engine: Engine, id: string, nonce: string, signal: AbortSignal): Promise<'yes' | 'no' | 'ended'> => {
  try {
    const { Processes } = await engine.json<ProcessList>('GET', `/containers/${id}/top`, { signal });
    const processes = Processes ?? [];
    if (processes.some((process) => process.join(' ').includes(`__cion_nonce=${nonce}`))) return 'yes';
    return processes.every(isExiting) ? 'ended' : 'no';
  } catch (error) {
    if (hasEnded(error)) return 'ended';
    throw error;
  }
};

/** A container whose shim is just going says so in words of its own. */
const hasEnded = (error: unknown): boolean =>
  isRefusal(error, 404) || isRefusal(error, 409) || (isRefusal(error, 500) && /ttrpc: closed/.test(String(error)));

/** A process that has given back its memory has no command line any more: its name stands in brackets until it is gone. */
const isExiting = (process: readonly string[]): boolean => /^\[.*\]/.test(process.at(-1) ?? '');

/** A container that is about to end is gone after a few; one whose processes all call themselves so is not waited for. */
const mostLooks = 100;

/** False when it has ended in the meantime. */
const freeze = async (engine: Engine, id: string, signal: AbortSignal): Promise<boolean> => {
  try {
    await engine.json('POST', `/containers/${id}/pause`, { signal });
    return true;
  } catch (error) {
    if (hasEnded(error)) return false;
    throw error;
  }
};

const beginsWith = async (engine: Engine, id: string, text: string, signal: AbortSignal): Promise<boolean> => {
  const log = await engine.stream('GET', `/containers/${id}/logs`, { query: { stdout: true, stderr: true }, signal });
  let seen = '';
  for await (const { stream, bytes } of demux(log)) {
    if (stream === 'stderr') return false;
    seen += bytes.toString('utf8');
    if (seen.length >= text.length) break;
  }
  return seen.startsWith(text);
};
