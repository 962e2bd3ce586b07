/** What a command gets of the process it runs in. */
export type Context = {
  /** Where relative paths begin. */
  readonly cwd: string;
  /** What `-C` said: the project is here or around here. */
  readonly project?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
};
