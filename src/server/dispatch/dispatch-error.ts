/** What somebody asked of the dispatcher cannot be; the message is for people. */
export class DispatchError extends Error {
  readonly code: 'RUN_UNKNOWN' | 'WORKER_REPORT_INVALID' | 'GATE_UNKNOWN' | 'GATE_CLOSED' | 'GATE_CHANGED';

  constructor(code: DispatchError['code'], message: string) {
    super(message);
    this.name = 'DispatchError';
    this.code = code;
  }
}
