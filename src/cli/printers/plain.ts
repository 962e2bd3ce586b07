import { doneName } from '../../plan/stage.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { StreamName } from '../../runtimes/runtime.ts';
import type { Paint } from './colour.ts';
import { eventSentence } from './event-sentence.ts';
import { cut, padEnd, widest } from './fit.ts';
import { type LogLines, type LinePiece, logLines } from './log-lines.ts';
import type { Look } from './look.ts';
import { pacedOutput } from './paced-output.ts';
import type { Output, Printer } from './printer.ts';
import { summary } from './summary.ts';
import { visible } from './visible.ts';

export type PlainOptions = { readonly look: Look; readonly gone?: (error: Error) => void };

/**
 * Lines for pipes and logs of other systems: `build   | a line of its stdout`, `build  !| a line of its stderr`, `build   : what
 * happened to it`. A line of a log stays one line and is cut at its newline alone, except that one of more than a megabyte gives way
 * when another stage has something to say, and goes on behind its prefix.
 */
export const plainPrinter = (output: Output, { look, gone }: PlainOptions): Printer => {
  const paced = pacedOutput(output, gone);
  const streams = new Map<string, { readonly stage: string; readonly stream: StreamName; readonly lines: LogLines }>();
  let plan: RunState['plan'];
  let names: Names = namesOf([], look);
  let since: number | undefined;
  /** Whose line is not ended yet on the output. */
  let speaker: string | undefined;

  const interrupt = (by?: string): string => {
    const ended = speaker === undefined || speaker === by ? '' : '\n';
    if (ended !== '') speaker = undefined;
    return ended;
  };
  const say = (text: string): void => void paced.write(`${interrupt()}${text}\n`);
  const pieces = (key: string, stage: string, stream: StreamName, found: readonly LinePiece[]): void | Promise<void> => {
    let text = '';
    for (const piece of found) {
      text += interrupt(key);
      if (speaker !== key) text += names.prefix(stage, stream === 'stderr' ? '!|' : ' |');
      text += visible(piece.text.replace(/\r$/, ''), { colour: look.palette.enabled, tabs: true });
      if (piece.ends) text += '\n';
      speaker = piece.ends ? undefined : key;
    }
    return text === '' ? undefined : paced.write(text);
  };
  const flush = (stage?: string): void => {
    for (const [key, open] of streams) {
      if (stage !== undefined && open.stage !== stage && open.stage !== doneName(stage)) continue;
      streams.delete(key);
      void pieces(key, open.stage, open.stream, open.lines.end());
    }
  };
  const onEvent = (event: RunEvent, state: RunState): void => {
    if (plan !== state.plan) {
      plan = state.plan;
      names = namesOf(speakers(state), look);
    }
    if (event.kind === 'stage.finished' || event.kind === 'step.started' || event.kind === 'step.finished') flush(event.stage);
    const said = eventSentence(event, state, look);
    if (said !== undefined) {
      const paint = said.outcome === undefined ? (text: string): string => text : look.palette.outcome[said.outcome];
      say(`${said.node === undefined ? '' : names.prefix(said.node, ' :')}${paint(said.text)}`);
    }
    if (event.kind === 'run.rerun') since = event.at;
    if (event.kind === 'run.finished') {
      say(['', ...summary(state, look, { timeline: false, ...(since === undefined ? {} : { since }) })].join('\n'));
    }
  };
  return {
    event: onEvent,
    log: (stage, attempt, { stream, bytes }) => {
      const key = `${stream} ${attempt} ${stage}`;
      const open = streams.get(key) ?? { stage, stream, lines: logLines() };
      streams.set(key, open);
      return pieces(key, stage, stream, open.lines.add(bytes));
    },
    note: (stage, note) => {
      if (note.kind === 'pulling' && names.firstTime(`${stage} ${note.reference}`)) {
        say(`${names.prefix(stage, ' :')}Pulls ${visible(note.reference)}.`);
      }
      if (note.kind === 'building') say(`${names.prefix(stage, ' :')}${visible(note.line)}`);
    },
    close: () => {
      flush();
      void paced.write(interrupt());
      return paced.close();
    },
  };
};

type Names = { prefix(stage: string, mark: string): string; firstTime(what: string): boolean };

const widestName = 32;

const namesOf = (nodes: readonly string[], { palette, glyphs }: Look): Names => {
  const columns = Math.min(widestName, widest(nodes.map((name) => visible(name))));
  const paints = new Map<string, Paint>(nodes.map((name, index) => [name, palette.stages[index % palette.stages.length] ?? palette.quiet]));
  const seen = new Set<string>();
  return {
    prefix: (stage, mark) => {
      const name = padEnd(cut(visible(stage), widestName, glyphs.ellipsis), columns);
      return `${(paints.get(stage) ?? palette.quiet)(`${name} ${mark}`)} `;
    },
    firstTime: (what) => !seen.has(what) && seen.add(what) !== undefined,
  };
};

const speakers = ({ plan, only }: RunState): string[] =>
  (plan?.nodes ?? [])
    .filter(({ name }) => only?.has(name) ?? true)
    .flatMap((node) => (node.kind === 'stage' && node.done !== undefined ? [node.name, doneName(node.name)] : [node.name]));
