import { assertNever } from '../../lib/assert-never.ts';
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
  switch (told.event) {
    case 'run.finished':
      return `${what} ${told.outcome}${where}${subject}`;
    case 'gate.opened':
      return `${what} waits at ${quote(told.gate)} for ${told.who.length === 0 ? 'somebody' : told.who.map(quote).join(' or ')}${where}${subject}`;
    case 'approval.asked':
      return `${what} waits for approval until ${minute(told.until)}: ${change(told, quote)}`;
    case 'approval.decided':
      return `${what} ${decided(told.decision, quote)}: ${change(told, quote)}`;
    default:
      return assertNever(told);
  }
};

export const details = (told: Told, { quote, link }: Wording): readonly string[] => {
  switch (told.event) {
    case 'run.finished':
      return told.notPassed.map(({ stage, outcome, why }) => `${quote(stage)} ${outcome}${why === '' ? '' : `: ${quote(why)}`}`);
    case 'gate.opened':
      return [];
    case 'subscription.tested':
      return [`subscription ${quote(told.subscription)}, asked for by ${quote(told.by)} at ${new Date(told.at).toISOString()}`];
    case 'approval.asked': {
      const page = told.url === undefined ? '' : `on ${link('its page', told.url)}, or `;
      return [`Approve or reject it ${page}with "cion approve ${told.number} --server"`];
    }
    case 'approval.decided':
      return told.decision.reason === undefined ? [] : [quote(told.decision.reason)];
    default:
      return assertNever(told);
  }
};

type OfApproval = Extract<Told, { readonly event: 'approval.asked' | 'approval.decided' }>;

/** What a fork asks to be run, and who: all of it is a stranger's. */
const change = ({ commit = '', by, pullRequest }: OfApproval, quote: Wording['quote']): string =>
  `${quote(commit.slice(0, 12))} of ${pullRequest === undefined ? 'a fork' : `pull request ${pullRequest}`} by ${quote(by)}`;

const decided = ({ kind, by }: Extract<Told, { readonly event: 'approval.decided' }>['decision'], quote: Wording['quote']): string =>
  kind === 'expired' ? 'was not approved in time' : `was ${kind} by ${quote(by ?? 'somebody')}`;

/** `2027-01-15 08:00 UTC`. */
const minute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/**
 * The text as it reads, of which no program makes a link, a mention or a second line: an invisible word joiner stands where those would begin.
 */
export const inert = (text: string): string => printable(text).replace(/:(?=\/\/)|@|\bwww(?=\.)|\bmailto(?=:)/gi, '$&\u2060');
