import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { whyNoS3 as whyNone } from '../../../../scripts/setup/s3-server.mjs';

/** Why there can be no S3 server on this machine; `false` when there can, as `skip` of a test wants it. */
export const whyNoS3 = (): string | false => whyNone() ?? false;

export type S3User = { readonly name: string; readonly accessKeyId: string; readonly secretAccessKey: string };

/** Ada owns the buckets of the tests; Bob may do nothing with them. */
export const users = {
  ada: { name: 'ada', accessKeyId: 'ADAKEY', secretAccessKey: 'ada-secret' },
  bob: { name: 'bob', accessKeyId: 'BOBKEY', secretAccessKey: 'bob-secret' },
} as const satisfies Record<string, S3User>;

export type Answer = { readonly endpoint: string } | { readonly trouble: string };

export const keeperAddress = `\0cion-test-s3-${process.getuid?.() ?? 0}`;

export type S3Server = {
  readonly endpoint: string;
  client(user: S3User): S3Client;
  /** A new bucket of Ada's. */
  bucket(): Promise<string>;
  /** The server may go when all who use it have said so. */
  close(): void;
};

/** The one S3 server of all test processes; started when it is not there. */
export const s3Server = async (): Promise<S3Server> => {
  const { socket, answer } = await askKeeper();
  if ('trouble' in answer) {
    socket.destroy();
    throw new Error(`no S3 server: ${answer.trouble}`);
  }
  const { endpoint } = answer;
  const clients: S3Client[] = [];
  const client = ({ accessKeyId, secretAccessKey }: S3User): S3Client => {
    const made = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    clients.push(made);
    return made;
  };
  return {
    endpoint,
    client,
    bucket: async () => {
      const name = `test-${randomBytes(8).toString('hex')}`;
      await client(users.ada).send(new CreateBucketCommand({ Bucket: name }));
      return name;
    },
    close: () => {
      for (const each of clients) each.destroy();
      socket.destroy();
    },
  };
};

const askKeeper = async (): Promise<{ readonly socket: Socket; readonly answer: Answer }> => {
  for (;;) {
    const socket = await connected();
    if (socket === undefined) {
      startKeeper();
      await sleep(100);
      continue;
    }
    for await (const line of createInterface({ input: socket })) return { socket, answer: JSON.parse(line) as Answer };
    socket.destroy();
  }
};

const connected = async (): Promise<Socket | undefined> => {
  const socket = connect({ path: keeperAddress, allowHalfOpen: true });
  try {
    await once(socket, 'connect');
    socket.on('error', () => {});
    return socket;
  } catch {
    return undefined;
  }
};

const startKeeper = (): void => {
  const keeper = spawn(process.execPath, [fileURLToPath(new URL('keeper.ts', import.meta.url))], {
    detached: true,
    stdio: 'ignore',
  });
  keeper.unref();
};
