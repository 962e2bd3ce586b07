import type { MailServer } from '../server/notifications/mail-server.ts';
import { Refusal } from './refusal.ts';

/** By CION_SMTP_URL: `smtps://user:password@host:465`, `smtp+starttls://host:587`, `smtp://localhost:25`; none without it. What is refused says nothing of it. */
export const mailOf = (env: Readonly<Record<string, string | undefined>>, from: string | undefined): { readonly mail?: MailServer } => {
  const text = env['CION_SMTP_URL'];
  if (!text) return {};
  const url = URL.parse(text);
  const security = url === null ? undefined : securities[url.protocol];
  if (url === null || security === undefined || url.hostname === '') throw refused('CION_SMTP_URL is no address of a mail server.');
  if (!from) throw refused('Mails have no sender.');
  const { hostname: host, port, username, password } = url;
  const login = username === '' ? {} : { login: { user: decoded(username), password: decoded(password) } };
  return { mail: { host, port: Number(port || usualPorts[security]), security, from, ...login } };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('The user or the password in CION_SMTP_URL has a "%" that is none of an address: write it as "%25".');
  }
};

const refused = (message: string): Refusal =>
  new Refusal('USAGE', message, 'Set CION_SMTP_URL=smtps://user:password@host:465 and say --mail-from ci@example.org.');

const securities: Readonly<Record<string, MailServer['security']>> = {
  'smtps:': 'tls',
  'smtp+starttls:': 'starttls',
  'smtp:': 'none',
};

const usualPorts = { tls: 465, starttls: 587, none: 25 } as const;
