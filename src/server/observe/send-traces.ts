import type { RunStore } from '../../store/run-store.ts';
import type { Reader } from '../runs/follow-runs.ts';
import { traceOf } from './trace-of.ts';

export type TraceEndpoint = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** Of a server's environment, as OpenTelemetry names it; `undefined` when nobody wants traces. */
export const traceEndpoint = (env: Readonly<Record<string, string | undefined>>): TraceEndpoint | undefined => {
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT ?? '';
  if (base === '') return undefined;
  const pairs = (env.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').filter((pair) => pair.includes('='));
  return {
    url: `${base.replace(/\/+$/, '')}/v1/traces`,
    headers: Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), decodeURIComponent(pair.slice(pair.indexOf('=') + 1).trim())]),
    ),
  };
};

const timeoutMs = 15_000;

/** Sends the trace of each run that has ended. What the collector will never take is let go; what it cannot take now is tried again. */
export const sendTraces = (
  { url, headers }: TraceEndpoint,
  { runs, failed }: { readonly runs: Pick<RunStore, 'events'>; failed(error: unknown): void },
): Reader => ({
  name: 'traces',
  gates: false,
  take: async ({ run }, stop) => {
    const trace = traceOf(await runs.events(run, 0));
    if (trace === undefined) return;
    const { status, body } = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(trace),
      redirect: 'manual',
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
    });
    await body?.cancel();
    if (status >= 200 && status < 300) return;
    const error = new Error(`the collector of traces answered ${status}`);
    if (status < 500 && status !== 408 && status !== 429) failed(error);
    else throw error;
  },
});
