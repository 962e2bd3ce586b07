import type { z } from 'zod';
import {
  actedSchema,
  type approvalSchema,
  type BeginJson,
  begunSchema,
  type decideSchema,
  rerunAnswerSchema,
  type rollbackSchema,
  rolledBackSchema,
} from './acts.ts';
import { ApiError, apiErrorOf } from './api-error.ts';
import {
  type AccountChangeJson,
  type AccountJson,
  accountMade,
  accountRow,
  meAnswer,
  memberRow,
  type RoleJson,
  type TokenJson,
  tokenMade,
  tokenRow,
  type workerTokenRequest,
  workerTokenRow,
} from './auth.ts';
import { deliveryRow } from './deliveries.ts';
import {
  deploymentsSchema,
  differenceSchema,
  environmentSchema,
  environmentsSchema,
  eventsSchema,
  filesSchema,
  ownersSchema,
  projectSchema,
  projectsSchema,
  queueSchema,
  type runsQuerySchema,
  runsSchema,
  whySchema,
} from './lists.ts';
import { logPieceSchema } from './log-stream.ts';
import { letterMade, letterRow, type SubscriptionJson, subscriptionMade, subscriptionRow } from './notifications.ts';
import { paths } from './paths.ts';
import {
  type ConnectJson,
  type CredentialJson,
  connectedSchema,
  disconnectedSchema,
  repositoriesSchema,
  type SecretJson,
  secretsSchema,
  type SettingsJson,
  settingsSchema,
} from './projects.ts';
import { runSchema } from './run-json.ts';
import { madeAnswer, type ScheduleJson, scheduleRow, type UpstreamJson, upstreamRow } from './triggers.ts';
import type { RunEvent } from '../run/run-event.ts';
import { streamEvents } from './sse.ts';

type Query = Readonly<Record<string, string | number | undefined>>;
type Which = { readonly attempt?: number; readonly part?: 'done' };
/** `part`: not what the stage left, but what its steps kept. */
type WhichFiles = { readonly part?: 'steps' };

/** A piece of a log; `end`: how long the log is with it, from where to go on after a break. */
export type LogPiece = { readonly stream: 'stdout' | 'stderr'; readonly at: number; readonly bytes: Uint8Array; readonly end: number };

export type ApiClient = ReturnType<typeof apiClient>;

/**
 * What people and programs ask of a server; runs in a browser too. `token` absent: the cookie of the page. Rejects with ApiError when the server
 * says no. The two `follow…` end when what they follow has ended, when the connection breaks and when the signal aborts; `followLog` returns whether
 * the log has ended.
 */
export const apiClient = ({
  url,
  token,
  fetch = globalThis.fetch,
}: {
  readonly url: string;
  readonly token?: string;
  readonly fetch?: typeof globalThis.fetch;
}) => {
  const send = async (path: string, init: RequestInit & { readonly query?: Query } = {}): Promise<Response> => {
    const { query, headers, ...rest } = init;
    const answer = await fetch(`${url.replace(/\/+$/, '')}${withQuery(path, query)}`, {
      ...rest,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(headers as Record<string, string> | undefined) },
    });
    if (answer.ok || (rest.redirect === 'manual' && isElsewhere(answer))) return answer;
    throw apiErrorOf(answer.status, await answer.text());
  };
  /** Where the server sends one elsewhere for an object, nothing of ours goes along: the address alone is good for it. */
  const download = async (path: string, query: Query): Promise<Response> => {
    const answer = await send(path, { query, redirect: 'manual' });
    if (answer.ok) return answer;
    const place = new URL(answer.headers.get('location') ?? '', url);
    const given = await fetch(place, { credentials: 'omit', redirect: 'error' }).catch((error: unknown) => {
      throw notGiven(0, place, error instanceof Error ? (error.cause ?? error) : error);
    });
    if (given.ok) return given;
    throw notGiven(given.status, place, given.status);
  };
  const get = async <T extends z.ZodType>(schema: T, path: string, query?: Query): Promise<z.output<T>> =>
    answered(schema, await send(path, query === undefined ? {} : { query }));
  const act = (method: string, path: string, body?: unknown, query?: Query): Promise<Response> =>
    send(path, {
      method,
      headers: { 'x-cion': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(query === undefined ? {} : { query }),
    });
  const post = async <T extends z.ZodType>(schema: T, path: string, body: unknown): Promise<z.output<T>> =>
    answered(schema, await act('POST', path, body));
  const stream = async function* (path: string, query: Query, signal: AbortSignal) {
    const { body } = await send(path, { query, signal, headers: { accept: 'text/event-stream' } });
    if (body !== null) yield* streamEvents(textOf(body));
  };

  return {
    owners: async () => (await get(ownersSchema, paths.owners)).owners,
    projects: async (query: { readonly owner?: string; readonly repository?: string } = {}) =>
      (await get(projectsSchema, paths.projects, query)).projects,
    project: (project: string) => get(projectSchema, paths.project(project)),
    queue: () => get(queueSchema, paths.queue),
    runs: (project: string, query: Partial<z.input<typeof runsQuerySchema>> = {}) => get(runsSchema, paths.runs(project), query as Query),
    run: (project: string, number: number) => get(runSchema, paths.run(project, number)),
    events: async (project: string, number: number, after = 0) =>
      (await get(eventsSchema, paths.events(project, number), { after })).events as unknown as readonly RunEvent[],
    why: async (project: string, number: number, node: string) => (await get(whySchema, paths.why(project, number, node))).sentences,
    log: (project: string, number: number, stage: string, query: Which & { readonly from?: number } = {}) =>
      download(paths.log(project, number, stage), query),
    document: (project: string, number: number, stage: string, query: { readonly attempt?: number } = {}) =>
      download(paths.document(project, number, stage), query),
    files: async (project: string, number: number, stage: string) => (await get(filesSchema, paths.files(project, number, stage))).files,
    file: (project: string, number: number, stage: string, path: string) => download(paths.file(project, number, stage), { path }),
    artifacts: (project: string, number: number, stage: string, query: WhichFiles = {}) =>
      download(paths.artifacts(project, number, stage), query),
    deployments: async (project: string, query: { readonly environment?: string; readonly limit?: number } = {}) =>
      (await get(deploymentsSchema, paths.deployments(project), query)).deployments,
    environments: async (project: string) => (await get(environmentsSchema, paths.environments(project))).environments,
    environment: (project: string, environment: string) => get(environmentSchema, paths.environment(project, environment)),
    difference: (project: string, from: string, to: string) => get(differenceSchema, paths.difference(project, from, to)),
    begin: (project: string, wanted: BeginJson = {}) => post(begunSchema, paths.runs(project), wanted),
    cancel: (project: string, number: number, force = false) => post(actedSchema, paths.cancel(project, number), { force }),
    rerun: async (project: string, number: number, which: 'all' | 'failed') =>
      (await post(rerunAnswerSchema, paths.rerun(project, number), { which })).stages,
    decide: (project: string, number: number, gate: string, decision: z.input<typeof decideSchema>) =>
      post(actedSchema, paths.gate(project, number, gate), decision),
    decideApproval: (project: string, number: number, decision: z.input<typeof approvalSchema>) =>
      post(actedSchema, paths.approval(project, number), decision),
    askAgain: (project: string, number: number) => post(begunSchema, paths.askAgain(project, number), undefined),

    rollback: (project: string, environment: string, wanted: z.input<typeof rollbackSchema> = {}) =>
      post(rolledBackSchema, paths.rollback(project, environment), wanted),
    me: () => get(meAnswer, paths.me),
    connect: (wanted: ConnectJson) => post(connectedSchema, paths.projects, wanted),
    disconnect: async (project: string, force = false) =>
      answered(disconnectedSchema, await act('DELETE', paths.project(project), undefined, { force: String(force) })),
    setCredential: async (project: string, credential: CredentialJson) => void (await act('PUT', paths.credential(project), credential)),
    removeCredential: async (project: string) => void (await act('DELETE', paths.credential(project))),
    settings: (project: string) => get(settingsSchema, paths.settings(project)),
    changeSettings: async (project: string, change: SettingsJson) =>
      answered(settingsSchema, await act('PATCH', paths.settings(project), change)),
    repositories: (forge: string) => get(repositoriesSchema, paths.repositories, { forge }),
    secrets: (project: string) => get(secretsSchema, paths.secrets(project)),
    setSecret: async (project: string, name: string, secret: SecretJson) => void (await act('PUT', paths.secret(project, name), secret)),
    removeSecret: async (project: string, name: string) => void (await act('DELETE', paths.secret(project, name))),
    deliveries: (project: string) => get(deliveryRow.array(), paths.deliveries(project)),
    schedules: (project: string) => get(scheduleRow.array(), paths.schedules(project)),
    addSchedule: (project: string, schedule: ScheduleJson) => post(madeAnswer, paths.schedules(project), schedule),
    removeSchedule: async (project: string, id: string) => void (await act('DELETE', paths.schedule(project, id))),
    pauseSchedule: async (project: string, id: string, isPaused: boolean) =>
      answered(scheduleRow, await act('PATCH', paths.schedule(project, id), { isPaused })),
    upstreams: (project: string) => get(upstreamRow.array(), paths.upstreams(project)),
    addUpstream: (project: string, upstream: UpstreamJson) => post(madeAnswer, paths.upstreams(project), upstream),
    removeUpstream: async (project: string, id: string) => void (await act('DELETE', paths.upstream(project, id))),
    subscriptions: (project: string) => get(subscriptionRow.array(), paths.subscriptions(project)),
    addSubscription: (project: string, wanted: SubscriptionJson) => post(subscriptionMade, paths.subscriptions(project), wanted),
    removeSubscription: async (project: string, id: string) => void (await act('DELETE', paths.subscription(project, id))),
    testSubscription: (project: string, id: string) => post(letterMade, paths.subscriptionTest(project, id), {}),
    letters: (project: string, id: string) => get(letterRow.array(), paths.letters(project, id)),
    accounts: () => get(accountRow.array(), paths.accounts),
    makeAccount: (wanted: AccountJson) => post(accountMade, paths.accounts, wanted),
    changeAccount: async (id: string, change: AccountChangeJson) => void (await act('PATCH', paths.account(id), change)),
    /** Of the account that asks, in a session. */
    changePassword: async (current: string, password: string) => void (await act('POST', paths.ownPassword, { current, password })),
    members: (project: string) => get(memberRow.array(), paths.members(project)),
    setMember: async (project: string, name: string, role: RoleJson) => void (await act('PUT', paths.member(project, name), { role })),
    removeMember: async (project: string, name: string) => void (await act('DELETE', paths.member(project, name))),
    /** Of the account that asks; these three are for its sessions, and for no token. */
    tokens: () => get(tokenRow.array(), paths.tokens),
    makeToken: (wanted: TokenJson) => post(tokenMade, paths.tokens, wanted),
    revokeToken: async (id: string) => void (await act('DELETE', paths.token(id))),
    workerTokens: () => get(workerTokenRow.array(), paths.workerTokens),
    revokeWorkerToken: async (id: string) => void (await act('DELETE', paths.workerToken(id))),
    makeWorkerToken: (wanted: z.input<typeof workerTokenRequest>) => post(tokenMade, paths.workerTokens, wanted),

    followEvents: async function* (project: string, number: number, after: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
      for await (const { event, data } of stream(paths.eventStream(project, number), { after }, signal)) {
        if (event === 'run') yield JSON.parse(data) as RunEvent;
      }
    },
    followLog: async function* (
      project: string,
      number: number,
      stage: string,
      query: Which & { readonly from: number; readonly until?: 'end' | 'now' },
      signal: AbortSignal,
    ): AsyncGenerator<LogPiece, boolean> {
      for await (const { event, data, id } of stream(paths.logStream(project, number, stage), query, signal)) {
        if (event === 'end') return true;
        if (event !== 'log') continue;
        const { bytes, ...piece } = logPieceSchema.parse(JSON.parse(data));
        yield { ...piece, bytes: bytesOf(bytes), end: Number(id) };
      }
      return false;
    },
  };
};

/** The address itself is worth the object: it stays unsaid. */
const notGiven = (status: number, { origin }: URL, why: unknown): ApiError =>
  new ApiError(status, {
    code: 'DOWNLOAD_FAILED',
    message: `The server sent us to ${origin} for this, which did not give it: ${why instanceof Error ? why.message : String(why)}.`,
    hint: 'Try again. Where it can never be reached from here, the server has to send it itself: without --presign.',
  });

const isElsewhere = ({ status, headers }: Response): boolean => status >= 300 && status < 400 && headers.has('location');

/** Something else than a server of cion may answer at an address. */
const answered = async <T extends z.ZodType>(schema: T, answer: Response): Promise<z.output<T>> => {
  const text = await answer.text();
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw apiErrorOf(answer.status, '');
  }
};

const withQuery = (path: string, query: Query = {}): string => {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(Object.fromEntries(given)).toString()}`;
};

const bytesOf = (base64: string): Uint8Array => {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
};

const textOf = async function* (body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield decoder.decode(read.value, { stream: true });
  } finally {
    await reader.cancel().catch(() => {});
  }
};
