const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type Interrupts = {
  /** Aborts at the first signal: end politely. */
  readonly cancel: AbortSignal;
  /** Aborts at the second: do not wait for anybody. */
  readonly force: AbortSignal;
  /** No longer listens. */
  stop(): void;
};

/** Ctrl-C, SIGTERM and SIGHUP as two wishes; a third signal ends the process on the spot. The signals' reason is `by`. `stop` is a first one from elsewhere. */
export const listenForInterrupts = (tell: (text: string) => void, by = 'somebody', stop?: AbortSignal): Interrupts => {
  const cancel = new AbortController();
  const force = new AbortController();
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    if (count === 1) {
      tell('stopping; press again to force');
      cancel.abort(by);
    } else if (count === 2) {
      tell('stopping by force');
      force.abort(by);
    } else {
      process.exit(130);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    cancel: stop === undefined ? cancel.signal : AbortSignal.any([cancel.signal, stop]),
    force: force.signal,
    stop: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
};
