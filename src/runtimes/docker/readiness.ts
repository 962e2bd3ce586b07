import { abortable } from '../../lib/abortable.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Service } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Exit } from '../runtime.ts';
import type { ContainerRecord, Created, EngineEvent } from './api.ts';
import { demux } from './engine/demux.ts';
import type { Engine } from './engine/engine.ts';
import { jsonLines } from './engine/json-lines.ts';
import type { Exits } from './exits.ts';
import { type Labels, label } from './labels.ts';
import type { PauseImage } from './pause-image.ts';
import { probeArgument } from './pause-program.ts';
import { titleOf } from './titles.ts';

/** Waits until services are what their readiness says. */
export const makeReadiness = (engine: Engine, exits: Exits, pauseImage: PauseImage, clock: Clock) => {
  const healthy = async (id: string, signal: AbortSignal): Promise<void> => {
    const filters = JSON.stringify({ container: [id], event: ['health_status'] });
    const events = await engine.stream('GET', '/events', { query: { filters }, signal });
    const { State } = await engine.json<ContainerRecord>('GET', `/containers/${id}/json`, { signal });
    if (State.Health?.Status === 'healthy') return void events.destroy();
    for await (const { Action } of jsonLines<EngineEvent>(events)) if (Action === 'health_status: healthy') return;
  };

  const accepts = async (id: string, network: string, port: number, labels: Labels): Promise<void> => {
    const { NetworkSettings } = await engine.json<ContainerRecord>('GET', `/containers/${id}/json`);
    const address = NetworkSettings.Networks[network]?.IPAddress ?? '127.0.0.1';
    const body = {
      Image: await pauseImage.ensure(),
      Cmd: [probeArgument(address, port)],
      Labels: { ...labels, [label.role]: 'probe' },
      HostConfig: { NetworkMode: `container:${id}`, LogConfig: { Type: 'none' }, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] },
    };
    const probe = await engine.json<Created>('POST', '/containers/create', { body });
    const { exit: accepted } = exits.watch(probe.Id);
    await engine.json('POST', `/containers/${probe.Id}/start`);
    if ((await accepted).code !== 0) await new Promise(() => {});
  };

  const lastWords = async (id: string): Promise<string> => {
    const log = await engine.stream('GET', `/containers/${id}/logs`, { query: { stdout: true, stderr: true, tail: 5 } });
    let text = '';
    for await (const { bytes } of demux(log)) text += bytes.toString('utf8');
    return text.trim() === '' ? '' : `; it said: ${text.trim().slice(-500)}`;
  };

  return async (
    service: Service,
    container: { readonly id: string; readonly exit: Promise<Exit>; readonly network: string; readonly hasHealthcheck: boolean },
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void> => {
    const { ready } = service;
    const { id, network } = container;
    const over = new AbortController();
    const late = Promise.withResolvers<'late'>();
    const cancel = clock.after(ready.timeoutMs, () => late.resolve('late'));
    const within = AbortSignal.any([signal, over.signal]);
    const isReady =
      ready.kind === 'tcp' ? accepts(id, network, ready.port, labels) : container.hasHealthcheck ? healthy(id, within) : Promise.resolve();
    try {
      const first = await abortable(
        Promise.race([container.exit.then((exit) => ({ exit })), late.promise, isReady.then(() => 'ready' as const)]),
        signal,
      );
      if (first === 'ready') return;
      const what = ready.kind === 'tcp' ? `does not accept connections on port ${ready.port}` : 'is not healthy';
      const message =
        first === 'late'
          ? `${titleOf(service)} ${what} after ${ready.timeoutMs / 1000} s`
          : `${titleOf(service)} ended with exit code ${first.exit.code} before it was ready`;
      throw new RuntimeError('SERVICE_NOT_READY', `${message}${await lastWords(id)}`);
    } finally {
      cancel();
      over.abort();
      isReady.catch(() => {});
    }
  };
};
