import type { Readable } from 'node:stream';

/**
 * A Docker Engine (or what speaks its API), reached over one kind of connection: the calls of the Engine API and nothing of our words.
 * Paths come without the version (`/containers/create`).
 *
 * Calls overlap freely; each has a connection of its own, kept for the next. Every call ends with its answer, with an EngineError, or
 * with the signal's reason; also what it has returned (a stream, an attachment) is cut by the signal.
 */
export type Engine = {
  /** For people, e.g. `unix:///var/run/docker.sock`. */
  readonly name: string;
  /** What was agreed on, e.g. `1.41`. */
  readonly apiVersion: string;

  /** The parsed answer; `undefined` for an empty one (204, and 304: what was asked for is so already). */
  json<T>(method: Method, path: string, options?: CallOptions): Promise<T>;

  /** Resolves when the answer's headers are there (the engine has taken the call), with its raw body. To stop early, destroy it. */
  stream(method: Method, path: string, options?: CallOptions): Promise<Readable>;

  /** The headers of the answer to a HEAD, by their names in lower case. */
  head(path: string, options?: CallOptions): Promise<Readonly<Record<string, string | readonly string[] | undefined>>>;

  /** The messages of a pull, push, build or import. What the engine reports as an error in their midst is thrown, as `refused`. */
  progress<T extends object>(method: Method, path: string, options?: CallOptions): AsyncIterable<T>;

  /** POSTs and takes over the connection: `/containers/{id}/attach` or `/exec/{id}/start`. With `tty` all output is one stream, as stdout. */
  attach(path: string, options?: CallOptions & { readonly tty?: boolean }): Promise<Attachment>;

  /** Cuts whatever is under way; resolves when all connections are closed. */
  close(): Promise<void>;

  /** Nothing will be answered any more. */
  isClosed(): boolean;
};

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

export type CallOptions = {
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** Plain data goes as JSON; bytes (a tar) as a stream, at the speed of the engine. Its own error ends the call unchanged. */
  readonly body?: object | AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** A list becomes a repeated key, `undefined` nothing. */
export type QueryValue = string | number | boolean | readonly string[] | undefined;

export type Attachment = {
  /**
   * What the container writes, as it comes; to be read once. A reader that stops reading stops the container. It ends when the engine
   * closes the connection: that is when the container has ended, but also when the engine is stopped, so ask for its state.
   */
  readonly output: AsyncIterable<OutputChunk>;
  readonly stdin: {
    /** Resolves when the bytes are on their way. */
    write(bytes: Uint8Array): Promise<void>;
    /** The end of the container's stdin; output goes on. */
    end(): void;
  };
  /** Cuts the connection; the container goes on. `output` ends. */
  close(): void;
};

/** Chunks are of any size, from one byte on, with no regard to lines or characters. */
export type OutputChunk = { readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer };
