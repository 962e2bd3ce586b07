import type { ContainerRecord, ProcessList } from './api.ts';
import { demux } from './engine/demux.ts';
import type { Engine } from './engine/engine.ts';
import { isRefused, unlessGone } from './failures.ts';
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
 * A container that is still held is frozen and removed: whoever held it is dead, or has lost it now, and its command never runs. It may be
 * frozen already, by who died before it was removed.
 */
export const standingOf = async (engine: Engine, name: string, signal: AbortSignal): Promise<Standing> => {
  for (let looks = 0; ; looks++) {
    const record = await unlessGone(engine.json<ContainerRecord>('GET', `/containers/${name}/json`, { signal }));
    if (record === undefined) return { kind: 'gone' };
    const { Status, Running, Paused, ExitCode } = record.State;
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
    try {
      const held = await isHeld(engine, record.Id, nonce, signal);
      if (held === 'ending' && looks < mostLooks) continue;
      if (held !== 'yes') return { kind: 'live', record };
      if (!Paused) await engine.json('POST', `/containers/${record.Id}/pause`, { signal });
      if ((await isHeld(engine, record.Id, nonce, signal)) === 'yes') {
        await unlessGone(engine.json('DELETE', `/containers/${record.Id}`, { query: { force: true, v: true }, signal }));
        return { kind: 'unstarted' };
      }
      await engine.json('POST', `/containers/${record.Id}/unpause`, { signal });
    } catch (error) {
      if (!isRefused(error) || looks >= mostLooks) throw error;
    }
  }
};

const isHeld = async (engine: Engine, id: string, nonce: string, signal: AbortSignal): Promise<'yes' | 'no' | 'ending'> => {
  const { Processes } = await engine.json<ProcessList>('GET', `/containers/${id}/top`, { signal });
  const processes = Processes ?? [];
  if (processes.some((process) => process.join(' ').includes(`__cion_nonce=${nonce}`))) return 'yes';
  return processes.every(isExiting) ? 'ending' : 'no';
};

/** A process that has given back its memory has no command line any more: its name stands in brackets until it is gone. */
const isExiting = (process: readonly string[]): boolean => /^\[.*\]/.test(process.at(-1) ?? '');

/**
 * A container that is just ending calls its processes so, or refuses what it is asked, in words of the shim, of runc or of the kernel; it is
 * gone after a few looks. One that goes on so is not waited for.
 */
const mostLooks = 100;

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
