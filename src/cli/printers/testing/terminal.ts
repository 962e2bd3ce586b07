import { spawn, spawnSync } from 'node:child_process';
import { makeScreen, type Screen } from './screen.ts';

export type Terminal = {
  readonly screen: Screen;
  type(text: string): void;
  /** Resolves when the screen shows it; rejects with the screen when the program ends without. */
  shows(pattern: RegExp): Promise<void>;
  readonly ended: Promise<void>;
  end(): void;
};

/** Why there is no real terminal here, if so. */
export const noTerminal = (): string | undefined =>
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0 ? undefined : 'util-linux script, which makes terminals, is not here';

/** Runs a shell command on a terminal of its own, whose screen obeys what it writes. */
export const startTerminal = (
  command: string,
  options: { columns: number; rows: number; env?: NodeJS.ProcessEnv; cwd?: string },
): Terminal => {
  const { columns, rows } = options;
  const screen = makeScreen(columns, rows);
  const waits = new Set<() => void>();
  const child = spawn('script', ['-qec', `stty rows ${rows} cols ${columns}; ${command}`, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    detached: true,
  });
  const text = new TextDecoder();
  let isEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      isEnded = true;
      for (const look of waits) look();
      resolve();
    });
  });
  child.stdout.on('data', (bytes: Buffer) => {
    screen.write(text.decode(bytes, { stream: true }));
    for (const look of waits) look();
  });
  return {
    screen,
    type: (keys) => child.stdin.write(keys),
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const isShown = pattern.test(screen.history());
          if (!isShown && !isEnded) return;
          waits.delete(look);
          if (isShown) resolve();
          else reject(new Error(`${pattern} is not on the screen:\n${screen.history()}`));
        };
        waits.add(look);
        look();
      }),
    ended,
    end: () => {
      if (!isEnded && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    },
  };
};
