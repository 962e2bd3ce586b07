import { readFileSync } from 'node:fs';
import type { Keys } from './printers/gate-questions.ts';

const ctrlC = '\x03';

/** Single keys of a terminal, each as it is pressed; pasted text and keys that send several characters are none. Ctrl-C stays what it is. */
export const terminalKeys = (stdin: NodeJS.ReadStream): Keys => ({
  listen: (press) => {
    const onData = (bytes: Buffer): void => {
      const text = bytes.toString();
      if (text.includes(ctrlC)) process.kill(process.pid, 'SIGINT');
      else if ([...text].length === 1) press(text);
    };
    stdin.on('error', ignore);
    stdin.on('data', onData);
    stdin.setRawMode(true);
    stdin.resume();
    return () => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
    };
  },
});

const ignore = (): void => undefined;

/** Whether the terminal is ours to read: a job in the background that changes its mode is stopped by the system. Taken for granted where it cannot be known. */
export const hasTerminal = (): boolean => {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true;
  }
};
