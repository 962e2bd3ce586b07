import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, apiClient } from '../src/api/client.ts';
import { paths } from '../src/api/paths.ts';
import type { RunJson } from '../src/api/run-json.ts';
import type { RunEvent } from '../src/run/run-event.ts';

/** What tests ask of a server in another process, with a token of its admin. */
export const askServer = (url: string, token: string) => {
  const ask = async (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const asked = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await ask(method, path, body);
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  const client: ApiClient = apiClient({ url, token });

  /** The run's events from the first on, as they come, until one is as asked; rejects when the run's stream ends before. */
  const until = async (project: string, number: number, isThere: (event: RunEvent) => boolean): Promise<void> => {
    const enough = new AbortController();
    try {
      for await (const event of client.followEvents(project, number, 0, enough.signal)) if (isThere(event)) return;
    } finally {
      enough.abort();
    }
    throw new Error(`run ${number} of ${project} ended without it`);
  };

  return {
    url,
    token,
    client,
    ask,
    asked,
    until,
    /** The run when it has ended, for the `times`th time. */
    ended: async (project: string, number: number, times = 1): Promise<RunJson> => {
      let left = times;
      await until(project, number, ({ kind }) => kind === 'run.finished' && --left === 0);
      return client.run(project, number);
    },
    /** When what a hook has told of is a run; what there is before a run has no stream. */
    begun: async (project: string, number: number): Promise<void> => {
      while ((await ask('GET', paths.run(project, number))).status === 404) await sleep(50);
    },
    text: async (project: string, number: number, stage: string): Promise<string> => (await client.log(project, number, stage)).text(),
  };
};
