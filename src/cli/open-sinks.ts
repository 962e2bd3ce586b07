import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Context } from './context.ts';
import { type HttpSink, httpSink } from './http-sink.ts';
import { refuseInTheClear } from './in-the-clear.ts';
import { logObjects } from './printers/log-objects.ts';
import type { Printer } from './printers/printer.ts';
import { Refusal } from './refusal.ts';

export type SinkOptions = { readonly eventsUrl?: string; readonly logsUrl?: string };

export type OpenSinks = Pick<Printer, 'event' | 'log'> & { close(): Promise<void> };

/**
 * Where what happens is told besides the terminal: the events and the logs of a run, as JSON lines, each to its own address. Logs are as
 * they are stored: without secrets. Without an address nothing is sent anywhere.
 */
export const openSinks = async (
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
  { eventsUrl, logsUrl }: SinkOptions,
  { run, clock, warn }: { readonly run: string; readonly clock: Clock; readonly warn: (text: string) => void },
): Promise<OpenSinks | undefined> => {
  if (eventsUrl === undefined && logsUrl === undefined) return undefined;
  const token = await tokenOf(cwd, env);
  const open = (url: string | undefined, flag: string, what: string): HttpSink | undefined => {
    if (url === undefined) return undefined;
    checkUrl(url, flag);
    if (token !== undefined) refuseInTheClear({ env }, url);
    const tell = (reason: string): void =>
      warn(`not all ${what} arrive at ${new URL(url).origin}: ${reason}. The run does not depend on it.`);
    return httpSink({ url, run, clock, warn: tell, ...(token === undefined ? {} : { token }) });
  };
  const events = open(eventsUrl, '--events-url', 'events');
  const lines = open(logsUrl, '--logs-url', 'lines of logs');
  const logs = logObjects(clock, (line) => lines?.send(line));
  return {
    event: (event) => {
      if (event.kind === 'stage.finished') logs.flush(event.stage);
      events?.send(event);
    },
    log: (stage, attempt, chunk) => {
      if (lines !== undefined) logs.log(stage, attempt, chunk);
    },
    close: async () => {
      logs.flush();
      await Promise.all([events?.close(), lines?.close()]);
    },
  };
};

/** Whoever is shown a run, and the sinks beside it, which never slow it down. */
export const withSinks = (shown: Printer, sinks: OpenSinks | undefined): Printer =>
  sinks === undefined
    ? shown
    : {
        ...shown,
        event: (event, state) => {
          shown.event(event, state);
          sinks.event(event, state);
        },
        log: (stage, attempt, chunk) => {
          void sinks.log(stage, attempt, chunk);
          return shown.log(stage, attempt, chunk);
        },
      };

const checkUrl = (url: string, flag: string): void => {
  const found = URL.parse(url);
  if (found === null || !/^https?:$/.test(found.protocol)) {
    throw new Refusal('USAGE', `${flag} is no address of a server.`, 'Write http://host:port/path or https://host/path.');
  }
  if (found.username !== '' || found.password !== '') {
    throw new Refusal(
      'USAGE',
      `${flag} has a user or a password in it.`,
      'Give a token in CION_SINK_TOKEN, or in the file that CION_SINK_TOKEN_FILE names.',
    );
  }
};

/** Never from the command line, where everybody on the machine could read it. */
const tokenOf = async (cwd: string, env: Context['env']): Promise<string | undefined> => {
  if (env.CION_SINK_TOKEN) return checkedToken(env.CION_SINK_TOKEN, 'CION_SINK_TOKEN');
  if (!env.CION_SINK_TOKEN_FILE) return undefined;
  const file = resolve(cwd, env.CION_SINK_TOKEN_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Refusal('SINK_TOKEN_UNREADABLE', `The token file ${file} cannot be read: ${error.code ?? error.message}.`);
  });
  return checkedToken(text, file);
};

const checkedToken = (text: string, place: string): string => {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Refusal('SINK_TOKEN_UNREADABLE', `${place} is no token: one line of letters, digits and signs.`);
};
