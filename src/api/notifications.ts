import { z } from 'zod';
import { projectParams } from './project-name.ts';

/** Who is told what of a project. Times are epoch ms. */

const id = z.string().min(1).max(100);
const names = z.array(z.string().min(1).max(256)).max(50).default([]).readonly();
const outcome = z.enum(['passed', 'failed', 'errored', 'cancelled', 'skipped']);

export const subscriptionParams = projectParams.extend({ id });

/** Empty lists: all. */
const wantsSchema = z.strictObject({
  /** Whether results are told at all. */
  results: z.boolean().default(true),
  outcomes: z.array(outcome).max(5).default([]).readonly(),
  branches: names,
  /** Only of runs that deploy to one of them. */
  environments: names,
  /** Gates that wait for a person, and commits of forks that wait for approval. */
  gates: z.boolean().default(true),
});

const url = z.string().min(1).max(2000);
const mail = z.email().max(254);

export const subscriptionRequest = z.strictObject({
  target: z.discriminatedUnion('way', [
    z.strictObject({ way: z.literal('http'), url }),
    z.strictObject({ way: z.literal('slack'), url }),
    z.strictObject({ way: z.literal('mail'), to: z.array(mail).min(1).max(20).readonly() }),
  ]),
  wants: wantsSchema.prefault({}),
});

export type SubscriptionJson = z.input<typeof subscriptionRequest>;

/** `secret`: what bodies are signed with, of the way `http`; it is shown this once. */
export const subscriptionMade = z.object({ id, secret: z.string().exactOptional() });

export const subscriptionRow = z.object({
  id,
  way: z.enum(['http', 'slack', 'mail']),
  /** Its host, or how many addresses: more than that may be a secret. */
  place: z.string(),
  wants: wantsSchema,
  by: z.string(),
  createdAt: z.number(),
});
export type SubscriptionRow = z.output<typeof subscriptionRow>;

/** A test: which letter it is. */
export const letterMade = z.object({ id });

export const letterRow = z.object({
  id,
  event: z.string(),
  state: z.enum(['waiting', 'sent', 'given-up']),
  createdAt: z.number(),
  /** When it was tried last, or is tried next. */
  tryAt: z.number(),
  attempts: z.int(),
  note: z.string().exactOptional(),
});
export type LetterRow = z.output<typeof letterRow>;
