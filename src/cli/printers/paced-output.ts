import type { Output } from './printer.ts';

export type PacedOutput = {
  /** A promise when the reader is behind: it settles when more is welcome, and never rejects. Until then every write returns it. */
  write(text: string): void | Promise<void>;
  /** Settles when what was written has been taken. */
  close(): Promise<void>;
};

/**
 * Writes no faster than is read. When the reader leaves (`| head`) or the disk is full, the rest is dropped quietly and `gone` is
 * called once, so that the command can decide what that means.
 */
export const pacedOutput = (output: Output, gone: (error: Error) => void = () => {}): PacedOutput => {
  let ended = false;
  let welcome: PromiseWithResolvers<void> | undefined;
  const onDrain = (): void => {
    welcome?.resolve();
    welcome = undefined;
  };
  const onError = (error?: Error): void => {
    onDrain();
    if (ended) return;
    ended = true;
    gone(error ?? new Error('the output was closed'));
  };
  const onClose = (): void => onError();
  output.on('drain', onDrain);
  output.on('error', onError);
  output.on('close', onClose);
  return {
    write: (text) => {
      if (ended || text === '') return;
      if (!output.write(text)) welcome ??= Promise.withResolvers();
      return welcome?.promise;
    },
    close: async () => {
      if (!ended) await new Promise<void>((taken) => output.write('', () => taken()));
      ended = true;
      output.off('drain', onDrain);
      output.off('close', onClose);
    },
  };
};
