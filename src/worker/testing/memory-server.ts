import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { LeaseBytes, WorkerBytes } from '../../api/worker-bytes.ts';
import type { Cancel, ClaimAnswer, Claimed, ItemAnswer, ReportAnswer, WorkerApi, WorkerFact } from '../../api/worker-protocol.ts';
import type { Started } from '../../engine/attempt.ts';
import { memoryCaches } from '../../engine/testing/memory-stores.ts';
import { digestOf } from '../../lib/canonical-json.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Stage } from '../../plan/plan.ts';
import { memoryResults } from '../../results/memory/memory-results.ts';

/** What a test wants to have run; the rest of a claim is what it mostly is. */
export type Wanted = Partial<Omit<Claimed, 'lease' | 'work'>> & {
  readonly stage: Stage;
  readonly run?: string;
  readonly attempt?: number;
  readonly only?: string;
};

type Entry = {
  readonly wanted: Wanted;
  readonly item: string;
  worker?: string | undefined;
  token: number;
  sequence: number;
  /** Taken away from who had it: its token is worth nothing. */
  isLost?: boolean;
  cancel: Cancel;
  /** What its worker was told last. */
  told: Cancel;
  readonly facts: WorkerFact[];
  startedAt?: number;
  returned: number;
};

export type Fact<K extends WorkerFact['kind']> = WorkerFact & { readonly kind: K };

/**
 * The smallest server that workers can work for: it hands out what a test wants run, and writes down what it is told. Nothing follows from anything; leases
 * end when the test says so.
 */
export const memoryServer = (options: { readonly clock: Clock; readonly leaseMs?: number; readonly graceMs?: number }) => {
  const { clock, leaseMs = 15_000, graceMs = 60_000 } = options;
  const entries = new Map<string, Entry>();
  const results = memoryResults();
  const caches = memoryCaches();
  const trees = new Map<string, Uint8Array>();
  const outputs = new Map<string, Uint8Array>();
  const fetched: string[] = [];
  const kept: string[] = [];
  const over = new Set<string>();
  const away = new Set<string>();
  let tokens = 0;
  let changed = Promise.withResolvers<void>();

  const change = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const until = async (isThere: () => boolean, waitMs: number, signal: AbortSignal): Promise<void> => {
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(waitMs, late.resolve);
    let isLate = waitMs === 0;
    void late.promise.then(() => {
      isLate = true;
    });
    while (!isThere() && !isLate && !signal.aborted) await Promise.race([changed.promise, late.promise, aborted(signal)]);
    cancel();
    signal.throwIfAborted();
  };
  const reach = (worker: string): void => {
    if (away.has(worker)) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  };
  const entryOf = (item: string): Entry => {
    const entry = entries.get(item);
    if (entry === undefined) throw new Error(`there is no ${item}`);
    return entry;
  };

  const claimedOf = (entry: Entry): Claimed => {
    const { stage, run = 'run_1', attempt = 1, only: _only, ...more } = entry.wanted;
    const started = startedOf(entry);
    return {
      lease: { item: entry.item, token: entry.token, leaseMs, graceMs },
      work: { run, project: 'test', stage, attempt },
      number: 1,
      volumes: {},
      outputs: {},
      outside: { variables: {}, secrets: {}, encrypted: {} },
      redact: [],
      isAsked: false,
      isMounted: false,
      keep: [],
      cancel: entry.cancel,
      ...more,
      ...(started === undefined ? {} : { started }),
    };
  };

  const give = (entry: Entry, worker: string): Claimed => {
    entry.worker = worker;
    entry.token = ++tokens;
    entry.sequence = 0;
    entry.isLost = false;
    entry.told = entry.cancel;
    return claimedOf(entry);
  };

  const api: WorkerApi = {
    claim: async ({ worker, slots, waitMs, fresh, holds, keeps = [] }, signal): Promise<ClaimAnswer> => {
      reach(worker);
      const mayTake = ({ wanted, worker: owner, facts }: Entry): boolean =>
        owner === undefined && (wanted.only ?? worker) === worker && !isFinished(facts);
      const isUntold = ({ item, worker: owner, facts }: Entry): boolean =>
        owner === worker && (fresh || (holds !== undefined && !holds.includes(item))) && !isFinished(facts);
      const isThere = (): boolean => [...entries.values()].some((entry) => mayTake(entry) || isUntold(entry));
      if (slots > 0) await until(isThere, waitMs, signal);
      reach(worker);
      const own = [...entries.values()].filter(isUntold);
      const more = [...entries.values()].filter(mayTake).slice(0, slots);
      return { claimed: [...own, ...more].map((entry) => give(entry, worker)), over: keeps.filter((run) => over.has(run)) };
    },
    report: async ({ worker, waitMs, items }, signal): Promise<ReportAnswer> => {
      reach(worker);
      const isHeld = (item: string, token: number): boolean => {
        const entry = entries.get(item);
        return entry !== undefined && entry.token === token && entry.isLost !== true && !isFinished(entry.facts);
      };
      const before = items.map(({ item, token }) => ({ item, token, isHeld: isHeld(item, token) }));
      for (const { item, token, sequence, facts, giveBack } of items) {
        const entry = entries.get(item);
        if (entry === undefined || !isHeld(item, token)) continue;
        if (sequence > entry.sequence) {
          entry.sequence = sequence;
          entry.facts.push(...facts);
          if (facts.some(({ kind }) => kind === 'stage.started')) entry.startedAt = clock.now();
        }
        if (giveBack === true) {
          entry.worker = undefined;
          entry.token = 0;
          entry.returned += 1;
        }
      }
      change();
      const hasNews = (): boolean =>
        before.some(({ item, token, isHeld: was }) => !was || !isHeld(item, token) || entryOf(item).cancel !== entryOf(item).told);
      await until(hasNews, waitMs, signal);
      reach(worker);
      const told = items.filter(({ facts }) => isFinished(facts)).map(({ item }) => item.split('/')[0] ?? '');
      return {
        over: told.filter((run) => over.has(run)),
        items: items.map(({ item, token }, i): ItemAnswer => {
          const entry = entries.get(item);
          const isOurs = isHeld(item, token) || (before[i]?.isHeld === true && entry?.isLost !== true);
          if (!isOurs || entry === undefined) return { item, kind: 'lost' };
          entry.told = entry.cancel;
          return { item, kind: 'held', cancel: entry.cancel };
        }),
      };
    },
  };

  const bytes: WorkerBytes = ({ item, token }): LeaseBytes => {
    const own = (): void => {
      const { worker = '', token: newest, isLost } = entryOf(item);
      reach(worker);
      if (newest !== token || isLost === true) throw Object.assign(new Error('the lease is lost'), { code: 'LEASE_LOST' });
    };
    return {
      results: {
        ...results,
        begin: async (key, startedAt) => {
          own();
          const log = await results.begin(key, startedAt);
          return {
            get position() {
              return log.position;
            },
            append: async (chunk) => {
              own();
              await log.append(chunk);
            },
            close: async () => own(),
          };
        },
        putArtifacts: async (key, tar) => {
          own();
          return results.putArtifacts(key, tar);
        },
        finish: async (key, summary) => {
          own();
          await results.finish(key, summary);
        },
      },
      caches,
      trees: {
        open: async (digest) => {
          own();
          fetched.push(digest);
          const tar = trees.get(digest);
          if (tar === undefined) throw new Error(`no tree ${digest}`);
          return Readable.from([tar]);
        },
        keep: async (tar) => {
          own();
          const content = await buffer(tar);
          const digest = digestOf(content);
          trees.set(digest, content);
          kept.push(digest);
          return { digest, bytes: content.length };
        },
      },
      outputs: {
        read: async (stage) => {
          own();
          return outputs.get(stage) ?? new Uint8Array();
        },
        keep: async (stdout) => {
          own();
          outputs.set(entryOf(item).wanted.stage.name, stdout);
        },
      },
    };
  };

  const fact = async <K extends WorkerFact['kind']>(item: string, kind: K): Promise<Fact<K>> => {
    for (;;) {
      const found = entryOf(item).facts.find((each): each is Fact<K> => each.kind === kind);
      if (found !== undefined) return found;
      await changed.promise;
    }
  };

  return {
    api,
    bytes,
    results,
    trees,
    outputs,
    /** Digests of trees that workers asked for, and that they sent. */
    fetched,
    kept,
    /** Answers the item. */
    push: (wanted: Wanted): string => {
      const { run = 'run_1', stage, attempt = 1 } = wanted;
      const item = `${run}/${stage.name}/${attempt}`;
      entries.set(item, { wanted, item, token: 0, sequence: 0, cancel: wanted.cancel ?? 'no', told: 'no', facts: [], returned: 0 });
      change();
      return item;
    },
    facts: (item: string): readonly WorkerFact[] => entryOf(item).facts,
    /** The first of its kind, when it is there. */
    fact,
    finished: (item: string) => fact(item, 'stage.finished'),
    returned: (item: string): number => entryOf(item).returned,
    cancel: (item: string, cancel: Cancel): void => {
      entryOf(item).cancel = cancel;
      change();
    },
    /** Takes it away from who has it. */
    lose: (item: string): void => {
      entryOf(item).isLost = true;
      change();
    },
    /** As if it had ended long ago. */
    forget: (item: string): void => void entries.delete(item),
    end: (run: string): void => {
      over.add(run);
      change();
    },
    /** The network between that worker and the server. */
    cut: (worker: string): void => void away.add(worker),
    mend: (worker: string): void => void away.delete(worker),
    logOf: async (item: string): Promise<string> => {
      const [run = '', stage = '', attempt] = item.split('/');
      const parts: Uint8Array[] = [];
      const key = { run, stage, attempt: Number(attempt) };
      for await (const { bytes } of results.readLog(key, { from: 0, follow: false, signal: new AbortController().signal }))
        parts.push(bytes);
      return Buffer.concat(parts).toString();
    },
  };
};

export type MemoryServer = ReturnType<typeof memoryServer>;

const isFinished = (facts: readonly WorkerFact[]): boolean => facts.some(({ kind }) => kind === 'stage.finished');

/** What the events say of an attempt that was let go. */
const startedOf = ({ facts, startedAt }: Entry): Started | undefined => {
  const started = facts.find((fact) => fact.kind === 'stage.started');
  const resolved = facts.find((fact) => fact.kind === 'image.resolved');
  if (started?.kind !== 'stage.started' || startedAt === undefined) return undefined;
  const { reference = '', digest = '', pulled = false } = resolved?.kind === 'image.resolved' ? resolved : {};
  return { startedAt, container: started.container, image: { reference, digest, pulled }, steps: [] };
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
