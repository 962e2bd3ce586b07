import picocolors from 'picocolors';
import type { Outcome } from '../../run/outcome.ts';

export type Paint = (text: string) => string;

/** The only colours there are, by what they mean. */
export type Palette = {
  readonly enabled: boolean;
  readonly strong: Paint;
  readonly quiet: Paint;
  readonly accent: Paint;
  readonly warning: Paint;
  readonly error: Paint;
  readonly outcome: Readonly<Record<Outcome, Paint>>;
  /** To tell the stages of an interleaved log apart. */
  readonly stages: readonly Paint[];
};

/** `flag` is what `--color` (true) or `--no-color` (false) said, if anything. */
export type ColourQuestion = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  readonly flag?: boolean;
};

/** Flag, then NO_COLOR (any text but the empty one), then FORCE_COLOR (`0` and `false` say no), then whether it is a terminal. */
export const wantsColour = ({ env, isTTY, flag }: ColourQuestion): boolean => {
  if (flag !== undefined) return flag;
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return !['0', 'false'].includes(env['FORCE_COLOR']);
  return isTTY && env['TERM'] !== 'dumb';
};

export const palette = (enabled: boolean): Palette => {
  const colours = picocolors.createColors(enabled);
  return {
    enabled,
    strong: colours.bold,
    quiet: colours.dim,
    accent: colours.cyan,
    warning: colours.yellow,
    error: colours.red,
    outcome: {
      passed: colours.green,
      failed: colours.red,
      errored: colours.magenta,
      cancelled: colours.yellow,
      skipped: colours.dim,
    },
    stages: [colours.cyan, colours.blue, colours.magenta, colours.green, colours.yellow],
  };
};
