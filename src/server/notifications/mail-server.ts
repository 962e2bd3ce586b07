import { Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { abortable } from '../../lib/abortable.ts';
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

/** Until the signal aborts: its connection is dropped then. */
export type SendMail = (mail: MailMessage & { readonly id: string; readonly to: readonly string[] }, signal: AbortSignal) => Promise<void>;

const patienceMs = 20_000;

/** A connection for each mail. Rejects with DeliveryError. */
export const sendMail = ({ host, port, security, login, from }: MailServer): SendMail => {
  const options = {
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
  };
  const domain = /@([^@\s>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';
  return async ({ id, to, subject, text }, signal) => {
    const socket = new Socket();
    const drop = (): unknown => socket.destroy();
    signal.addEventListener('abort', drop);
    try {
      const sent = createTransport({ ...options, socket }).sendMail({
        from,
        to: [...to],
        subject,
        text,
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      });
      await abortable(sent, signal);
    } catch (error) {
      const code = error instanceof Error && 'responseCode' in error ? ` ${String(error.responseCode)}` : '';
      throw new DeliveryError(`the mail server does not take it${code}`, { cause: error });
    } finally {
      signal.removeEventListener('abort', drop);
    }
  };
};
