import { createHash } from 'node:crypto';
import { fold } from '../../run/fold.ts';
import type { Outcome } from '../../run/outcome.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { AttemptState, NodeState, RunState } from '../../run/run-state.ts';

/** A trace as OTLP over HTTP has it in JSON: ids in hex, times in ns as text. */
export type Trace = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly Span[] }[];
  }[];
};

export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 1;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  /** 1: passed, 2: not. */
  readonly status: { readonly code: 0 | 1 | 2 };
};

type Attribute = { readonly key: string; readonly value: { readonly stringValue: string } | { readonly intValue: string } };

/**
 * A run that has ended as spans: the run, in it its fetch, each attempt of its stages and each gate, in an attempt its steps. Of texts there are names alone: no
 * message, no commit's subject, no output. The same events make the same trace; a re-run makes another. `undefined` before the end.
 */
export const traceOf = (events: readonly RunEvent[]): Trace | undefined => {
  const state = fold(events);
  if (state?.finishedAt === undefined) return undefined;
  const again = events.reduce((count, { kind }) => count + Number(kind === 'run.rerun'), 0);
  const spans = spansOf(state, idOf(`${state.run}/${again}`, 32), state.finishedAt);
  const resource = { attributes: attributes({ 'service.name': 'cion' }) };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'cion' }, spans }] }] };
};

type Part = {
  readonly id: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly outcome?: Outcome;
  readonly in?: string;
};

const spansOf = (state: RunState, traceId: string, end: number): readonly Span[] => {
  const span = ({ id, name, from, to, outcome, in: parent }: Part, more: Attributes = {}): Span => ({
    traceId,
    spanId: idOf(`${traceId}/${id}`, 16),
    ...(parent === undefined ? {} : { parentSpanId: idOf(`${traceId}/${parent}`, 16) }),
    name,
    kind: 1,
    startTimeUnixNano: nanos(from),
    endTimeUnixNano: nanos(Math.max(from, to)),
    attributes: attributes({ ...more, ...(outcome === undefined ? {} : { 'cion.outcome': outcome }) }),
    status: { code: statusOf(outcome) },
  });

  const whole: Part = {
    id: 'run',
    name: `${state.project} #${state.number}`,
    from: state.createdAt,
    to: end,
    ...(state.outcome === undefined ? {} : { outcome: state.outcome }),
  };
  const { fetch } = state;
  return [
    span(whole, {
      'cion.run': state.run,
      'cion.number': state.number,
      'cion.project': state.project,
      'cion.pipeline': state.plan?.pipeline ?? '',
      'cion.trigger': state.trigger.kind,
      'vcs.ref.head.revision': fetch.source?.commit ?? '',
    }),
    ...(fetch.startedAt === undefined
      ? []
      : [
          span({
            id: 'fetch',
            name: 'fetch',
            from: fetch.startedAt,
            to: fetch.finishedAt ?? end,
            in: 'run',
            ...(fetch.outcome === undefined ? {} : { outcome: fetch.outcome }),
          }),
        ]),
    ...Array.from(state.nodes.values()).flatMap((node) => nodeSpans(node, end, span)),
  ];
};

const nodeSpans = (node: NodeState, end: number, span: (part: Part, more?: Attributes) => Span): readonly Span[] => {
  if (node.kind === 'stage') return node.attempts.flatMap((attempt) => attemptSpans(node.name, attempt, end, span));
  if (node.openedAt === undefined) return [];
  const outcome = node.outcome === undefined ? {} : { outcome: node.outcome };
  return [span({ id: `gate/${node.name}`, name: node.name, from: node.openedAt, to: node.finishedAt ?? end, in: 'run', ...outcome })];
};

const attemptSpans = (
  stage: string,
  { attempt, queuedAt, startedAt, finishedAt, outcome, worker, steps }: AttemptState,
  end: number,
  span: (part: Part, more?: Attributes) => Span,
): readonly Span[] => {
  const id = `stage/${attempt}/${stage}`;
  const ended = outcome === undefined ? {} : { outcome };
  return [
    span(
      { id, name: stage, from: queuedAt, to: finishedAt ?? end, in: 'run', ...ended },
      {
        'cion.stage': stage,
        'cion.attempt': attempt,
        'cion.worker': worker ?? '',
        'cion.wait_ms': Math.max(0, (startedAt ?? finishedAt ?? end) - queuedAt),
      },
    ),
    ...steps.map((step, place) =>
      span({
        id: `${id}/${place}`,
        name: step.id,
        from: step.startedAt,
        to: step.finishedAt ?? finishedAt ?? end,
        in: id,
        ...(step.outcome === undefined ? {} : { outcome: step.outcome }),
      }),
    ),
  ];
};

type Attributes = Readonly<Record<string, string | number>>;

/** Without what is empty. */
const attributes = (of: Attributes): readonly Attribute[] =>
  Object.entries(of)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => ({ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }));

const statusOf = (outcome: Outcome | undefined): 0 | 1 | 2 => {
  if (outcome === undefined || outcome === 'skipped' || outcome === 'cancelled') return 0;
  return outcome === 'passed' ? 1 : 2;
};

const nanos = (ms: number): string => `${Math.floor(ms)}000000`;

const idOf = (text: string, digits: number): string => createHash('sha256').update(text).digest('hex').slice(0, digits);
