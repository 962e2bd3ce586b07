import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** A container engine: what it runs goes on when the worker's process dies, and ends with the machine. */
export type Machine = {
  /** By the item. */
  readonly containers: ReadonlyMap<string, Container>;
  letGo(item: string): void;
  /** By force: it is gone when this returns. */
  kill(item: string): void;
  crash(): void;
};

export type Container = {
  /** Whether it still runs. */
  readonly isLive: boolean;
  readonly outcome: 'passed' | 'failed';
  /** Calls back when it ends by itself, at once when it has. */
  whenEnded(callback: () => void): void;
};

export type Watching = {
  readonly began: (item: string) => void;
  readonly ended: (item: string) => void;
};

export const makeMachine = (timeline: Timeline, random: Random, watching: Watching): Machine => {
  const containers = new Map<string, Mutable>();

  const end = (item: string, container: Mutable): void => {
    if (!container.isLive) return;
    container.isLive = false;
    watching.ended(item);
  };

  const kill = (item: string): void => {
    const container = containers.get(item);
    if (container !== undefined) end(item, container);
    containers.delete(item);
  };

  return {
    containers,
    letGo: (item) => {
      const callbacks: (() => void)[] = [];
      const container: Mutable = {
        isLive: true,
        outcome: random.chance(0.75) ? 'passed' : 'failed',
        whenEnded: (callback) => {
          if (container.isLive) callbacks.push(callback);
          else callback();
        },
      };
      containers.set(item, container);
      watching.began(item);
      timeline.after(random.chance(0.1) ? random.between(30_000, 150_000) : random.between(0, 12_000), () => {
        if (!container.isLive) return;
        end(item, container);
        for (const callback of callbacks) callback();
      });
    },
    kill,
    crash: () => {
      for (const item of [...containers.keys()]) kill(item);
    },
  };
};

type Mutable = { isLive: boolean; readonly outcome: 'passed' | 'failed'; whenEnded(callback: () => void): void };
