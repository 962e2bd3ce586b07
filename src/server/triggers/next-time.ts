import { Cron } from 'croner';
import { nearestWord } from '../../lib/did-you-mean.ts';
import { TriggerError } from './trigger-error.ts';

/**
 * The first time after `now`, epoch ms. Five fields, or a word as `@daily`: nothing is more often than once in a minute (atk-55). What falls into the hour
 * that a clock leaves out is done when it goes on, and what stands in the hour that comes twice is done once, unless it is wanted each hour or minute.
 * Throws TriggerError SCHEDULE_INVALID, also when that time never comes.
 */
export const nextTime = ({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }, now: number): number => {
  if (!/^(?:@\w+|\S+(?: +\S+){4})$/.test(cron.trim())) {
    throw invalid('A schedule has five fields (minute, hour, day, month, weekday) or is a word as @daily.', { hint: example });
  }
  if (!isTimeZone(timeZone)) throw invalid(`${JSON.stringify(timeZone)} is no time zone.`, { hint: zoneLike(timeZone) });
  const next = timesOf(cron.trim(), timeZone).nextRun(new Date(now));
  if (next === null) throw invalid('That time never comes.', { hint: example });
  return next.getTime();
};

const timesOf = (cron: string, timezone: string): Cron => {
  try {
    return new Cron(cron, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Cron\w+: /, '') : '';
    throw invalid(`The schedule cannot be read: ${why.replace(/\.$/, '')}.`, { cause: error, hint: example });
  }
};

const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

const example = 'Write e.g. "30 2 * * MON-FRI", half past two on working days; docs/triggers.md has more.';

const zoneLike = (name: string): string => {
  const nearest = nearestWord(name, Intl.supportedValuesOf('timeZone'));
  return nearest === undefined ? 'Write a place as Europe/Paris does, or UTC.' : `Did you mean "${nearest}"?`;
};

const invalid = (message: string, options: { readonly hint: string; readonly cause?: unknown }): TriggerError =>
  new TriggerError('SCHEDULE_INVALID', message, options);
