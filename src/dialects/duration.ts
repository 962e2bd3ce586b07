import { type Parsed, parsed, refused } from '../plan/problem.ts';
import { quoted } from './quoted.ts';
import { type TextShape, textAs } from './shape.ts';

const form = /^(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

/** Timers of Node do not reach further. */
const longestMs = 24 * 24 * 3600 * 1000;

/** `1h30m`, `90s`, `500ms` as milliseconds: more than nothing, at most 24 days. */
export const parseDuration = (text: string): Parsed<number> => {
  const parts = form.exec(text);
  if (parts === null || text === '') {
    const hint = /^\d+$/.test(text)
      ? `Add the unit: "${text.slice(0, 9)}s" for seconds, "m" for minutes.`
      : 'Write it like 90s, 10m or 1h30m.';
    return refused({ code: 'BAD_DURATION', message: `${quoted(text)} is not a duration.`, hint });
  }
  const [hours, minutes, seconds, milliseconds] = parts.slice(1).map((digits) => Number(digits ?? 0));
  const ms = (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000 + (milliseconds ?? 0);
  if (ms === 0)
    return refused({ code: 'BAD_DURATION', message: `${quoted(text)} is no time at all.`, hint: 'Leave the key out for no limit.' });
  if (ms > longestMs)
    return refused({ code: 'BAD_DURATION', message: `${quoted(text)} is more than 24 days.`, hint: 'Leave the key out for no limit.' });
  return parsed(ms);
};

export const duration: TextShape<number> = textAs(
  'a duration',
  { type: 'string', pattern: '^(?=.)(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$' },
  parseDuration,
);
