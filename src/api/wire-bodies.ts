import type { Readable } from 'node:stream';
import type { Sending } from './send.ts';

type Body = NonNullable<Sending['body']>;

export const asJson = (value: unknown): Body => ({ type: 'application/json', content: JSON.stringify(value) });

export const asBytes = (content: Readable | Uint8Array): Body => ({ type: 'application/octet-stream', content });

export const query = (parameters: Readonly<Record<string, string>>): string => new URLSearchParams(parameters).toString();
