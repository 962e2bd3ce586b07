export class RunUnknown extends Error {
  readonly code = 'RUN_UNKNOWN';
  readonly statusCode = 404;

  constructor(project: string, number: number) {
    super(`${project} has no run ${number}.`);
    this.name = 'RunUnknown';
  }
}
