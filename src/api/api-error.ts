import { z } from 'zod';

/** What every route answers when it does not do what was asked. `code` stands in docs/errors.md. */
export const apiErrorSchema = z
  .object({
    code: z.string(),
    /** One sentence for people. */
    message: z.string(),
    /** What to do about it. */
    hint: z.string().exactOptional(),
  })
  .meta({ id: 'Error' });

export type ApiErrorBody = z.output<typeof apiErrorSchema>;

/** The server answered, and said no. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: number, { code, message, hint }: ApiErrorBody) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** Of an answer's text, whatever stood between us and the server made of it. */
export const apiErrorOf = (status: number, text: string): ApiError => {
  try {
    const body = apiErrorSchema.safeParse(JSON.parse(text));
    if (body.success) return new ApiError(status, body.data);
  } catch {}
  return new ApiError(status, { code: 'SERVER_ANSWER', message: `the server answered ${status}, and not in a way that we understand` });
};
