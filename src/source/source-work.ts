import { type FetchedCommit, fetchCommit, type FetchRequest } from './fetch-commit.ts';
import { hasRef, type RefQuestion } from './has-ref.ts';
import { type CommitRequest, snapshotOfMirror } from './snapshot.ts';
import type { Source } from '../run/run-event.ts';

/** What a server does with repositories, in its own process or in another (docs/adr/0084-git-in-a-process-of-its-own.md). */
export type SourceWork = {
  fetchCommit(request: FetchRequest): Promise<FetchedCommit>;
  hasRef(question: RefQuestion): Promise<boolean>;
  snapshotOfMirror(request: CommitRequest): Promise<Source>;
};

export const sourceWork: SourceWork = { fetchCommit, hasRef, snapshotOfMirror };

/** What can be told to another process of what is asked. */
export type SourceQuestion =
  | { readonly name: 'fetchCommit'; readonly request: Omit<FetchRequest, 'signal'> }
  | { readonly name: 'hasRef'; readonly request: Omit<RefQuestion, 'signal'> }
  | { readonly name: 'snapshotOfMirror'; readonly request: Omit<CommitRequest, 'signal' | 'log'> };

export type ToSourceProcess =
  | { readonly kind: 'question'; readonly id: number; readonly question: SourceQuestion }
  | { readonly kind: 'stop'; readonly id: number };

export type SourceAnswer =
  | { readonly kind: 'done'; readonly value: unknown }
  /** `code` is a SourceError's. */
  | { readonly kind: 'failed'; readonly code?: string; readonly message: string };

export type FromSourceProcess = { readonly id: number } & (SourceAnswer | { readonly kind: 'log'; readonly line: string });
