import { assertNever } from '../../lib/assert-never.ts';
import type { Told } from './told.ts';
import { details, headline, inert, type Wording } from './wording.ts';

/** The body of a Slack webhook; Mattermost and Rocket.Chat read it too. What a project wrote stands in code, where nothing is markup (atk-68). */
export const slackMessage = (told: Told): string =>
  JSON.stringify({
    text: [`${signs[signOf(told)] ?? ''}${headline(told, wording)}`, ...details(told, wording).map((line) => `• ${line}`)].join('\n'),
    link_names: 0,
    unfurl_links: false,
    unfurl_media: false,
  });

const signOf = (told: Told): string => {
  switch (told.event) {
    case 'run.finished':
      return told.outcome;
    case 'gate.opened':
    case 'approval.asked':
      return 'waiting';
    case 'approval.decided':
      return told.decision.kind;
    case 'subscription.tested':
      return 'tested';
    default:
      return assertNever(told);
  }
};

const signs: Readonly<Record<string, string>> = {
  passed: ':white_check_mark: ',
  failed: ':x: ',
  errored: ':warning: ',
  cancelled: ':no_entry_sign: ',
  waiting: ':raised_hand: ',
  tested: ':bell: ',
  approved: ':thumbsup: ',
  rejected: ':no_entry_sign: ',
  expired: ':hourglass: ',
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const wording: Wording = {
  quote: (text) => `\`${escaped(inert(text)).replaceAll('`', 'ˋ')}\``,
  link: (text, url) => `<${escaped(url)}|${text}>`,
};
