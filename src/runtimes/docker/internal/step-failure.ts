/** What the step was asked to do cannot be done as it was asked, or somebody said no: the step has failed. For the user, without secrets. */
export class StepFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StepFailure';
  }
}
