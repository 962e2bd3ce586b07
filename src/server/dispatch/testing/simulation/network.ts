import type { WorkerApi } from '../../../../api/worker-protocol.ts';
import type { Random } from './random.ts';
import type { Life, Timeline } from './timeline.ts';

/** Between one worker and the server: slow, and while it is bad it loses and doubles what goes through. */
export type Network = {
  /** As one life of a worker sees the server. */
  api(life: Life): WorkerApi;
  /** Nothing goes through for so long. */
  part(ms: number): void;
};

export type NetworkDeps = {
  readonly timeline: Timeline;
  readonly random: Random;
  /** Who answers now; `undefined` while nobody does. */
  server(): { readonly api: WorkerApi; readonly life: Life } | undefined;
  /** How likely each message is lost, or comes twice. */
  badness(): number;
};

export const makeNetwork = ({ timeline, random, server, badness }: NetworkDeps): Network => {
  let partedUntil = 0;
  const isParted = (): boolean => timeline.now() < partedUntil;
  const delay = (): number => (random.chance(badness() / 4) ? random.between(500, 8_000) : random.between(1, 40));

  /** Arrives later, perhaps twice, perhaps never. */
  const send = (arrive: () => void): void => {
    const times = random.chance(badness()) ? (random.chance(0.5) ? 0 : 2) : 1;
    for (let time = 0; time < times; time++) {
      timeline.after(delay(), () => {
        if (!isParted()) arrive();
      });
    }
  };

  const call = <T>(life: Life, signal: AbortSignal, ask: (api: WorkerApi, signal: AbortSignal) => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const answer = (settle: () => void): void =>
        send(() => {
          if (!life.isOver) settle();
        });
      send(() => {
        const there = server();
        if (there === undefined) return answer(() => reject(new Error('nobody answers')));
        const gone = new AbortController();
        signal.addEventListener('abort', () => send(() => gone.abort('gone')), { once: true });
        ask(there.api, gone.signal).then(
          (value) => {
            if (!there.life.isOver) answer(() => resolve(value));
          },
          (error: unknown) => {
            if (!there.life.isOver) answer(() => reject(error));
          },
        );
      });
    });

  return {
    api: (life) => ({
      claim: (request, signal) => call(life, signal, (api, gone) => api.claim(request, gone)),
      report: (request, signal) => call(life, signal, (api, gone) => api.report(request, gone)),
    }),
    part: (ms) => {
      partedUntil = Math.max(partedUntil, timeline.now() + ms);
    },
  };
};
