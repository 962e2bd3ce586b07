import assert, { AssertionError } from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '../../src/api/api-error.ts';
import type { RunEvent } from '../../src/run/run-event.ts';
import type { Admin } from '../supervised-server.ts';

export type DrivenRun = { readonly name: string; readonly number: number; readonly events: readonly RunEvent[] };

const againMs = 200;

/** Does it again after a pause while the server is away, or asks for patience. */
export const patientlyUntil =
  (signal: AbortSignal, pauseMs: number) =>
  async <T>(act: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (error instanceof AssertionError || (error instanceof ApiError && error.status < 500 && error.status !== 429)) throw error;
        await pause(pauseMs, undefined, { signal });
      }
    }
  };

/**
 * Begins a run, approves its gates and follows it to its end, however often the server is away. What was told once stays: each event follows the one before.
 */
export const driveRun = async (
  { api }: Pick<Admin, 'api'>,
  project: string,
  name: string,
  { signal, heard = () => {} }: { readonly signal: AbortSignal; readonly heard?: (event: RunEvent) => void },
): Promise<DrivenRun> => {
  const patiently = patientlyUntil(signal, againMs);
  const { number } = await patiently(() => api.begin(project, { once: name, variables: { RUN_NAME: name } }));
  const events: RunEvent[] = [];
  let digest = '';
  for (;;) {
    const following = async (): Promise<'over' | 'cut'> => {
      for await (const event of api.followEvents(project, number, events.length, signal)) {
        assert.equal(event.seq, events.length + 1, `the events of ${name}`);
        events.push(event);
        heard(event);
        if (event.kind === 'run.planned') digest = event.digest;
        if (event.kind === 'gate.opened') {
          const decision = { decision: 'approved', digest, openedAt: event.at } as const;
          await patiently(() => api.decide(project, number, event.gate, decision)).catch((error: unknown) => {
            if (!(error instanceof ApiError && error.code === 'GATE_CLOSED')) throw error;
          });
        }
        if (event.kind === 'run.finished') return 'over';
      }
      return 'cut';
    };
    if ((await patiently(following)) === 'over') return { name, number, events };
    await pause(againMs, undefined, { signal });
  }
};
