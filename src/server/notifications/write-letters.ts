import { randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Outbox, Subscription, SubscriptionFilter, SubscriptionStore } from '../../store/notifications.ts';
import type { Reader } from '../runs/follow-runs.ts';
import { newsId, type RunNews } from '../runs/run-news.ts';
import { toldOf } from './told.ts';

export type LetterDeps = {
  readonly subscriptions: Pick<SubscriptionStore, 'list'>;
  readonly outbox: Pick<Outbox, 'put'>;
  /** What takes a project's secrets out of a text. What it rejects with is tried again: nothing is told without it. */
  cleaner(project: string): Promise<(text: string) => string>;
  /** Of our pages. */
  readonly publicUrl?: string;
  readonly clock: Pick<Clock, 'now'>;
  /** There are letters now. */
  written(): void;
};

/** One letter for each subscription and each thing that happened, in the outbox before anybody tries to send it (R-WRK-69). */
export const writeLetters = ({ subscriptions, outbox, cleaner, publicUrl, clock, written }: LetterDeps): Reader => ({
  name: 'notifications',
  gates: true,
  take: async (news) => {
    const wanting = (await subscriptions.list(news.project)).filter((subscription) => wants(subscription, news));
    if (wanting.length === 0) return;
    const body = toldOf(news, await cleaner(news.project), publicUrl);
    const createdAt = clock.now();
    await outbox.put(wanting.map(({ id }) => ({ id: randomUUID(), subscription: id, event: newsId(news), body, createdAt })));
    written();
  },
});

const wants = ({ wants: filter, createdAt }: Subscription, news: RunNews): boolean =>
  news.at >= createdAt &&
  isOneOf(filter.branches, [news.branch ?? '']) &&
  (news.kind === 'finished' ? wantsResult(filter, news) : filter.gates);

const wantsResult = (
  { results, outcomes, environments }: SubscriptionFilter,
  news: Extract<RunNews, { readonly kind: 'finished' }>,
): boolean => results && isOneOf(outcomes, [news.outcome]) && isOneOf(environments, news.environments);

const isOneOf = (asked: readonly string[], there: readonly string[]): boolean =>
  asked.length === 0 || asked.some((one) => there.includes(one));
