/** What was asked for cannot be done as it was asked: a mistake in the command line, or the wrong moment. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly hint: string | undefined;

  constructor(code: RefusalCode, message: string, hint?: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.hint = hint;
  }
}

export type RefusalCode =
  | 'USAGE'
  | 'PASSWORD_NONE'
  | 'ACCOUNT_UNKNOWN'
  | 'MEMBER_UNKNOWN'
  | 'NO_RUNS'
  | 'RUN_UNKNOWN'
  | 'RUN_AMBIGUOUS'
  | 'RUN_LIVE'
  | 'RUN_FINISHED'
  | 'RUN_UNFINISHED'
  | 'RUN_UNPLANNED'
  | 'STAGE_UNKNOWN'
  | 'STEP_NOT_BEGUN'
  | 'NO_STATE'
  | 'GATE_UNKNOWN'
  | 'GATE_CLOSED'
  | 'GATE_DECIDED'
  | 'GATE_NOT_YOURS'
  | 'NO_LOG'
  | 'DIRECTORY_MISSING'
  | 'PROJECT_NOT_ROOT'
  | 'NO_ARTIFACTS'
  | 'NO_PLACE'
  | 'ARTIFACT_UNKNOWN'
  | 'CONFIG_EXISTS'
  | 'DIALECT_UNKNOWN'
  | 'ENV_FILE_UNREADABLE'
  | 'ENV_FILE_INVALID'
  | 'IDENTITY_UNREADABLE'
  | 'IDENTITY_INVALID'
  | 'IDENTITY_EXISTS'
  | 'RECIPIENTS_INVALID'
  | 'NO_RECIPIENTS'
  | 'SECRET_REFUSED'
  | 'SECRETS_UNREADABLE'
  | 'SECRETS_INVALID'
  | 'EDITOR_FAILED'
  | 'SOURCE_GONE'
  | 'SINK_TOKEN_UNREADABLE'
  | 'DEPLOY_REFUSED'
  | 'BUILD_DIR_UNKNOWN'
  | 'BUILD_DIR_TAKEN'
  | 'POLICY_UNREADABLE'
  | 'REGISTRY_KEY'
  | 'WORKER_RUNS'
  | 'WORKER_REFUSED'
  | 'WORKER_TOKEN_MISSING'
  | 'PROJECT_NOT_FETCHED'
  | 'PROJECT_KIND_UNKNOWN'
  | 'SERVER_UNKNOWN'
  | 'SERVER_REFUSED'
  | 'SERVER_UNREACHABLE'
  | 'SERVERS_UNREADABLE'
  | 'NO_SERVER'
  | 'LISTEN_REFUSED'
  | 'SERVER_IN_THE_CLEAR'
  | 'SERVER_UNVERIFIED'
  | 'SERVER_DATA_EXPOSED'
  | 'PROJECT_UNNAMED'
  | 'COMMIT_UNKNOWN'
  | 'ENVIRONMENT_UNKNOWN'
  | 'HOOK_SECRET_MISSING'
  | 'HOOK_REFUSED';
