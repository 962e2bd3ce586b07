import { z } from 'zod';
import { projectName, projectParams } from './project-name.ts';

/** What begins runs of a project by itself: schedules, watches of packages, upstream pipelines. Times are epoch ms. */

const id = z.string().min(1).max(100);
const word = z.string().min(1).max(256);
export const triggerParams = projectParams.extend({ id });

/** What is to be run; absent: what a push of the default branch would run. */
const wantsSchema = z.strictObject({
  /** `refs/heads/main` */
  ref: word.regex(/^refs\//, 'A ref is written in full: refs/heads/main.').exactOptional(),
  pipeline: word.exactOptional(),
  target: word.exactOptional(),
});

const timesSchema = {
  /** Five fields, minute first, or a word as `@daily`. */
  cron: z.string().min(1).max(200),
  timeZone: z.string().max(100).default('UTC'),
  wants: wantsSchema.default({}),
};

export const scheduleRequest = z.strictObject({
  ...timesSchema,
  /** A run begins only when this package has another version than before. */
  watch: z
    .strictObject({
      package: z.string().min(1).max(214),
      registry: z.string().max(2000).default('https://registry.npmjs.org/'),
      tag: z.string().min(1).max(100).default('latest'),
      /** For a registry that wants one. It is kept sealed and never shown. */
      token: z.string().min(1).max(4000).exactOptional(),
    })
    .exactOptional(),
});

export type ScheduleJson = z.input<typeof scheduleRequest>;

export const scheduleChange = z.strictObject({ isPaused: z.boolean() });

export const scheduleRow = z.object({
  id,
  cron: z.string(),
  timeZone: z.string(),
  wants: wantsSchema,
  watch: z.object({ package: z.string(), registry: z.string(), tag: z.string(), hasToken: z.boolean() }).exactOptional(),
  by: z.string(),
  createdAt: z.number(),
  /** The time that the next run is for; of one that is paused, what it was then. */
  dueAt: z.number(),
  /** It begins nothing, since when, and who said so. */
  paused: z.object({ at: z.number(), by: z.string() }).exactOptional(),
  /** Of the package, as it was seen last. */
  version: z.string().exactOptional(),
  note: z.object({ at: z.number(), text: z.string() }).exactOptional(),
});
export type ScheduleRow = z.output<typeof scheduleRow>;

export const upstreamRequest = z.strictObject({
  after: z.strictObject({ project: projectName, pipeline: word.exactOptional(), branch: word.exactOptional() }),
  wants: wantsSchema.default({}),
});

export type UpstreamJson = z.input<typeof upstreamRequest>;

export const upstreamRow = z.object({
  id,
  after: z.object({ project: z.string(), pipeline: z.string().exactOptional(), branch: z.string().exactOptional() }),
  wants: wantsSchema,
  by: z.string(),
  createdAt: z.number(),
  note: z.object({ at: z.number(), run: z.string(), text: z.string() }).exactOptional(),
});
export type UpstreamRow = z.output<typeof upstreamRow>;

export const madeAnswer = z.object({ id });
