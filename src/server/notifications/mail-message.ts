import type { Told } from './told.ts';
import { details, headline, inert, type Wording } from './wording.ts';

export type MailMessage = { readonly subject: string; readonly text: string };

/** Plain text alone: nothing in it is markup, and what a project wrote makes neither a header nor a link (atk-68). */
export const mailMessage = (told: Told): MailMessage => ({
  subject: headline(told, wording),
  text: [
    `${headline(told, wording)}.`,
    '',
    ...details(told, wording).map((line) => `- ${line}`),
    ...(told.event === 'subscription.tested' || told.url === undefined ? [] : ['', told.url]),
    '',
  ].join('\n'),
});

const wording: Wording = { quote: inert, link: (text) => text };
