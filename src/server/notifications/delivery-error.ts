/** A letter was not taken. The message is for who may see the project's settings. */
export class DeliveryError extends Error {
  readonly code = 'DELIVERY_FAILED';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeliveryError';
  }
}
