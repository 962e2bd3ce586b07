import type { ColourQuestion, Palette } from './colour.ts';
import { palette, wantsColour } from './colour.ts';
import type { Glyphs } from './glyphs.ts';
import { glyphs, showsUnicode } from './glyphs.ts';

/** How text is to look where it goes: every function that makes text takes one, and asks nothing else. */
export type Look = {
  readonly palette: Palette;
  readonly glyphs: Glyphs;
  readonly columns: number;
  /** IANA name; absent: the machine's own. */
  readonly timeZone?: string;
  /** What a command that is shown needs to reach what is shown: ` --server`; absent: nothing. */
  readonly place?: string;
};

export type LookQuestion = ColourQuestion & {
  /** Absent where the output has no width (a pipe). */
  readonly columns?: number | undefined;
  readonly ascii?: boolean;
};

export const look = (question: LookQuestion): Look => ({
  palette: palette(wantsColour(question)),
  glyphs: glyphs(question.ascii || !showsUnicode(question.env) ? 'ascii' : 'unicode'),
  columns: question.columns || defaultColumns,
});

const defaultColumns = 100;
