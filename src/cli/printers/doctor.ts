import { cut, padEnd, widest, wrap } from './fit.ts';
import type { Look } from './look.ts';
import { visible } from './visible.ts';
import { plural } from '../../lib/quantities.ts';

export type Check = {
  readonly name: string;
  /** `warning`: it works, but not as well as it could. */
  readonly verdict: 'good' | 'warning' | 'bad';
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
};

/** What was looked at, with what to do where it is not as it should be. */
export const doctor = (checks: readonly Check[], look: Look): string[] => {
  const names = widest(checks.map((check) => visible(check.name)));
  const bad = checks.filter(({ verdict }) => verdict === 'bad').length;
  const warnings = checks.filter(({ verdict }) => verdict === 'warning').length;
  return [
    ...checks.flatMap((check) => checkLines(check, names, look)),
    '',
    bad === 0
      ? look.palette.outcome.passed(`All that cion needs is there${warnings === 0 ? '' : `, with ${plural(warnings, 'remark')}`}.`)
      : look.palette.error(`${plural(bad, 'thing')} cion needs ${bad === 1 ? 'is' : 'are'} not as it should be.`),
  ];
};

const checkLines = ({ name, verdict, found, advice }: Check, names: number, look: Look): string[] => {
  const { palette, glyphs, columns } = look;
  const marks = {
    good: palette.outcome.passed(glyphs.outcome.passed),
    warning: palette.warning(glyphs.warning),
    bad: palette.error(glyphs.outcome.failed),
  };
  const indent = names + 4;
  const room = Math.max(20, columns - indent);
  const lines = wrap(visible(found), room).map((line) => cut(line, room, glyphs.ellipsis));
  const head = `${marks[verdict]} ${padEnd(visible(name), names)}  `;
  const body = lines.map((line, index) => `${index === 0 ? head : ' '.repeat(indent)}${line}`);
  const tips =
    advice === undefined || verdict === 'good' ? [] : wrap(visible(advice), room).map((line) => ' '.repeat(indent) + palette.accent(line));
  return [...body, ...tips];
};
