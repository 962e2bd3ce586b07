import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** How bad things are, for one seed; after a while all is well. */
export type Weather = {
  readonly badUntil: number;
  isBad(): boolean;
  /** How likely a message is lost, or comes twice. */
  messages(): number;
  /** How likely a call of the store fails. */
  store(): number;
  /** The longest that the store takes, each way. */
  readonly storeMs: number;
  /** How wrong the server's wall clock is. */
  clockIsOff(): number;
};

export const weatherOf = (timeline: Timeline, random: Random): Weather => {
  const badUntil = random.between(0, 120_000);
  const isBad = (): boolean => timeline.now() < badUntil;
  const messages = random.pick([0, 0.02, 0.1, 0.3]);
  const store = random.pick([0, 0, 0.01, 0.05]);
  let off = 0;
  for (let jumps = random.chance(0.2) ? 2 : 0; jumps > 0; jumps--) {
    timeline.after(random.between(0, badUntil), () => {
      off += random.pick([-3_600_000, 3_600_000, 20_000, -20_000]);
    });
  }
  return {
    badUntil,
    isBad,
    messages: () => (isBad() ? messages : 0),
    store: () => (isBad() ? store : 0),
    storeMs: random.pick([0, 0, 5, 50]),
    clockIsOff: () => off,
  };
};
