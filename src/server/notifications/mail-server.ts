import { createTransport } from 'nodemailer';
import { DeliveryError } from './delivery-error.ts';
import type { MailMessage } from './mail-message.ts';

/** Of the operator. */
export type MailServer = {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte; `starttls`: no letter without it; `none`: as it comes, for a server on this machine. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly login?: { readonly user: string; readonly password: string };
  /** `cion <ci@example.org>`. */
  readonly from: string;
};

export type SendMail = (mail: MailMessage & { readonly id: string; readonly to: readonly string[] }) => Promise<void>;

const patienceMs = 20_000;

/** Rejects with DeliveryError. */
export const sendMail = ({ host, port, security, login, from }: MailServer): SendMail => {
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: patienceMs,
    greetingTimeout: patienceMs,
    socketTimeout: patienceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
  });
  const domain = /@([^@\s>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';
  return async ({ id, to, subject, text }) => {
    try {
      await transport.sendMail({
        from,
        to: [...to],
        subject,
        text,
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      });
    } catch (error) {
      const code = error instanceof Error && 'responseCode' in error ? ` ${String(error.responseCode)}` : '';
      throw new DeliveryError(`the mail server does not take it${code}`, { cause: error });
    }
  };
};
