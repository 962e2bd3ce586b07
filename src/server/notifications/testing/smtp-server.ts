import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** As it came over the wire. */
export type TakenMail = { readonly from: string; readonly to: readonly string[]; readonly data: string; readonly login?: string };

export type SmtpServer = {
  readonly port: number;
  readonly mails: readonly TakenMail[];
  /** Resolves when somebody wants a mail taken. */
  readonly asked: Promise<void>;
  /** What the next mails are answered with in place of being taken; empty: with nothing, ever. */
  refuse(answer: string | undefined): void;
};

/** A small mail server that speaks SMTP over a socket and takes all that it is given; closed after the test. */
export const smtpServer = async (t: { after(undo: () => void): void }): Promise<SmtpServer> => {
  const mails: TakenMail[] = [];
  const open = new Set<Socket>();
  const asked = Promise.withResolvers<void>();
  let refusal: string | undefined;
  const server = createServer((socket) => {
    open.add(socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket)));
    void talk(socket, () => (asked.resolve(), refusal), mails);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    asked: asked.promise,
    refuse: (answer) => {
      refusal = answer;
    },
  };
};

const talk = async (socket: Socket, refusal: () => string | undefined, mails: TakenMail[]): Promise<void> => {
  const say = (line: string): unknown => socket.write(`${line}\r\n`);
  let login: string | undefined;
  let from = '';
  let to: string[] = [];
  let data: string[] | undefined;
  say('220 mail.test ESMTP');
  for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (data !== undefined) {
      if (line !== '.') data.push(line.replace(/^\./, ''));
      else {
        mails.push({ from, to, data: data.join('\n'), ...(login === undefined ? {} : { login }) });
        data = undefined;
        to = [];
        say('250 taken');
      }
      continue;
    }
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') {
      say('250-mail.test');
      say('250-AUTH PLAIN');
      say('250 8BITMIME');
    } else if (verb === 'AUTH') {
      login = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
      say('235 welcome');
    } else if (verb === 'MAIL') {
      from = /<(.*)>/.exec(line)?.[1] ?? '';
      const answer = refusal() ?? '250 go on';
      if (answer !== '') say(answer);
    } else if (verb === 'RCPT') {
      to.push(/<(.*)>/.exec(line)?.[1] ?? '');
      say('250 go on');
    } else if (verb === 'DATA') {
      data = [];
      say('354 go on');
    } else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
    } else say('250 go on');
  }
};
