/** Where stages find their files, and the variables that say so. They are part of the language: docs/dialects/cion.md. */
export const buildDir = '/cion/build';
export const artifactsDir = '/cion/artifacts';
export const inputsDir = '/cion/inputs';

/** What a configuration may not set (R-CIO-28). */
export const reservedVariables: readonly string[] = ['BUILD_DIR', 'ARTIFACTS_DIR', 'INPUTS_DIR'];
