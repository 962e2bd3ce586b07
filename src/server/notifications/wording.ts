import { printable } from '../../lib/printable.ts';
import type { Told } from './told.ts';

/** One line, and what did not pass. `quote` is what every text of a project goes through (atk-68), `link` is given our own address. */
export type Wording = { quote(text: string): string; link(text: string, url: string): string };

export const headline = (told: Told, { quote, link }: Wording): string => {
  if (told.event === 'subscription.tested') return `This is a test of what ${quote(told.project)} tells`;
  const number = `#${told.number}`;
  const what = `${quote(told.project)} ${told.url === undefined ? number : link(number, told.url)}`;
  const where = told.branch === undefined ? '' : ` on ${quote(told.branch)}`;
  const subject = told.subject === undefined ? '' : `: ${quote(told.subject)}`;
  if (told.event === 'run.finished') return `${what} ${told.outcome}${where}${subject}`;
  const whom = told.who.length === 0 ? 'somebody' : told.who.map(quote).join(' or ');
  return `${what} waits at ${quote(told.gate)} for ${whom}${where}${subject}`;
};

export const details = (told: Told, { quote }: Wording): readonly string[] => {
  switch (told.event) {
    case 'run.finished':
      return told.notPassed.map(({ stage, outcome, why }) => `${quote(stage)} ${outcome}${why === '' ? '' : `: ${quote(why)}`}`);
    case 'subscription.tested':
      return [`subscription ${quote(told.subscription)}, asked for by ${quote(told.by)} at ${new Date(told.at).toISOString()}`];
    case 'gate.opened':
      return [];
  }
};

/**
 * The text as it reads, of which no program makes a link, a mention or a second line: an invisible word joiner stands where those would begin.
 */
export const inert = (text: string): string => printable(text).replace(/:(?=\/\/)|@|\bwww(?=\.)|\bmailto(?=:)/gi, '$&\u2060');
