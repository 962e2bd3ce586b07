import { RuntimeError, type RuntimeErrorCode } from '../runtime-error.ts';
import { EngineError } from './engine/engine-error.ts';

/** What the engine's no means in our words; `refused` is the code where it means nothing more special. */
export const asRuntimeError = (error: unknown, doing: string, refused: RuntimeErrorCode = 'ENGINE_REFUSED'): unknown => {
  if (!(error instanceof EngineError)) return error;
  const { message } = error;
  switch (error.code) {
    case 'unreachable':
      return new RuntimeError('ENGINE_UNREACHABLE', message, { cause: error });
    case 'lost':
      return new RuntimeError('ENGINE_LOST', message, { cause: error });
    case 'refused':
      return /no space left on device|disk quota exceeded/i.test(message)
        ? new RuntimeError('NO_SPACE', `${doing}: the engine has no space left (${message})`, { cause: error })
        : new RuntimeError(refused, `${doing}: ${message}`, { cause: error });
  }
};

/** The engine has said no, for whatever reason. */
export const isRefused = (error: unknown): error is EngineError => error instanceof EngineError && error.code === 'refused';

export const isRefusal = (error: unknown, status: number): boolean => isRefused(error) && error.status === status;

/** What is gone already needs no removing. */
export const unlessGone = async <T>(call: Promise<T>): Promise<T | undefined> => {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error, 404)) return undefined;
    throw error;
  }
};
