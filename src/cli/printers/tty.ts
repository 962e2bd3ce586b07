import type { Clock } from '../../lib/clock.ts';
import type { Plan } from '../../plan/plan.ts';
import { type Asked, gateQuestions } from './gate-questions.ts';
import { liveRegion } from './live-region.ts';
import type { Look } from './look.ts';
import { nameColumnsOf, permanentLines } from './permanent-lines.ts';
import type { Output, Printer } from './printer.ts';
import { progressView, spinMs } from './progress-view.ts';
import { runProgress } from './run-progress.ts';
import { summary } from './summary.ts';

export type TtyOptions = {
  readonly look: Look;
  readonly clock: Clock;
  /** Absent: nobody is there to answer. */
  readonly asked?: Asked;
};

/**
 * Live progress on a terminal: what has ended scrolls up for good, what is going on is painted below it, at most 20 times a second.
 * How much a stage writes does not matter: only the end of each log is kept, and only what is painted is made into text. Whoever else
 * prints to the same terminal waits for `close`.
 */
export const ttyPrinter = (output: Output, { look, clock, asked }: TtyOptions): Printer => {
  const region = liveRegion(output);
  const progress = runProgress();
  let above: string[] = [];
  let timer: { readonly due: number; readonly cancel: () => void } | undefined;
  let paintedAt = Number.NEGATIVE_INFINITY;
  let isBehind = false;
  let isGone = false;
  let isOver = false;
  let measured: { readonly plan: Plan | undefined; readonly columns: number } = { plan: undefined, columns: 0 };
  let since: number | undefined;

  const sized = (): Look => ({ ...look, columns: output.columns || look.columns });
  const paint = (): void => {
    timer?.cancel();
    timer = undefined;
    paintedAt = clock.now();
    if (isBehind || isGone) return;
    show();
    if (!isOver) schedule(progress.isMoving() ? spinMs : tickMs);
  };
  const show = (): void => {
    const rows = output.rows || usualRows;
    const question = isOver ? undefined : questions?.line(sized());
    const asking = question === undefined ? [] : [question];
    const lines = isOver ? [] : progressView(progress.view(rows), rows - 1 - asking.length, paintedAt, sized());
    isBehind = !region.show(above, [...lines, ...asking]);
    above = [];
  };
  const schedule = (ms: number): void => {
    if (isGone) return;
    const due = clock.now() + ms;
    if (timer !== undefined && timer.due <= due) return;
    timer?.cancel();
    timer = { due, cancel: clock.after(ms, paint) };
  };
  const request = (): void => schedule(Math.max(0, paintedAt + paintMs - clock.now()));
  const onDrain = (): void => {
    isBehind = false;
    request();
  };
  const onGone = (): void => {
    isGone = true;
    above = [];
    timer?.cancel();
    timer = undefined;
    questions?.close();
  };
  const questions = asked && gateQuestions(asked, clock, request);
  output.on('resize', request);
  output.on('drain', onDrain);
  output.on('error', onGone);
  return {
    event: (event, state) => {
      if (measured.plan !== state.plan) measured = { plan: state.plan, columns: nameColumnsOf(state.plan) };
      if (event.kind === 'run.rerun') since = event.at;
      const tail = event.kind === 'stage.finished' ? progress.tail(event.stage) : undefined;
      above.push(...permanentLines(event, state, tail, measured.columns, sized()));
      progress.event(event, state);
      questions?.event(event, state);
      if (event.kind === 'run.finished') {
        isOver = true;
        above.push('', ...summary(state, sized(), { timeline: true, ...(since === undefined ? {} : { since }) }));
      }
      request();
    },
    log: (stage, _attempt, chunk) => progress.log(stage, chunk),
    note: (stage, note) => {
      progress.note(stage, note);
      request();
    },
    close: async () => {
      isOver = true;
      questions?.close();
      timer?.cancel();
      timer = undefined;
      if (!isGone) {
        show();
        region.close();
      }
      output.off('resize', request);
      output.off('drain', onDrain);
    },
  };
};

const usualRows = 24;
const paintMs = 50;
/** The elapsed time of the run. */
const tickMs = 1000;
