import type { ContainerCreateRequest, ContainerCreateResponse, ContainerWaitResponse } from '@docker/node-sdk';
import type { Engine } from '../engine/engine.ts';

/** Containers for tests of the client itself: without a network, removed with `removeAll`, also when they run. */
export const testContainers = (engine: Engine) => {
  const made: string[] = [];
  return {
    create: async (script: string, more: ContainerCreateRequest = {}): Promise<string> => {
      const body: ContainerCreateRequest = { Image: 'busybox:latest', Cmd: ['sh', '-c', script], ...more };
      body.HostConfig = { NetworkMode: 'none', LogConfig: { Type: 'json-file' }, ...more.HostConfig };
      const { Id } = await engine.json<ContainerCreateResponse>('POST', '/containers/create', { body });
      made.push(Id);
      return Id;
    },
    start: (id: string): Promise<void> => engine.json('POST', `/containers/${id}/start`),
    exitCode: async (id: string): Promise<number> =>
      (await engine.json<ContainerWaitResponse>('POST', `/containers/${id}/wait`)).StatusCode ?? -1,
    removeAll: async (): Promise<void> => {
      await Promise.all(made.splice(0).map((id) => engine.json('DELETE', `/containers/${id}`, { query: { force: true, v: true } })));
    },
  };
};

export const attachAll = { stream: true, stdin: true, stdout: true, stderr: true } as const;
