import assert from 'node:assert/strict';
import { join } from 'node:path';
import { cion as anyCion } from './cli.ts';
import type { ServerProcess } from './server-process.ts';

/** `token`: '' for nobody's; absent: the server's admin. */
type Given = { readonly input?: string; readonly token?: string };

/** Commands about a server. `of` is asked each time, for the server is started after this is made. */
export const commandsAt = (of: () => Pick<ServerProcess, 'url' | 'token' | 'cwd'>) => {
  const env = (token = of().token) => ({
    CION_SERVER: of().url,
    XDG_CONFIG_HOME: join(of().cwd, 'config'),
    ...(token === '' ? {} : { CION_TOKEN: token }),
  });
  const cion = (args: readonly string[], { input = '', token }: Given = {}) => anyCion(args, { cwd: of().cwd, env: env(token), input });
  return {
    env,
    cion,
    /** Exit 0; gives stdout. */
    done: async (...given: Parameters<typeof cion>): Promise<string> => {
      const { code, out, err } = await cion(...given);
      assert.equal(code, 0, err);
      return out;
    },
    /** Exit 2 with that code and nothing on stdout; gives what was said. */
    refused: async (code: string, ...given: Parameters<typeof cion>): Promise<string> => {
      const ended = await cion(...given);
      assert.deepEqual([ended.code, ended.out, ended.err.includes(`[${code}]`)], [2, '', true], ended.err);
      return ended.err;
    },
  };
};

/** Of JSON lines. */
export const parsed = <T>(lines: string): T[] => lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as T]));
