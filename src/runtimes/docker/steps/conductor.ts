/**
 * The programs that carry out steps; see docs/adr/0051-steps-in-one-box.md. They are plain POSIX shell without `${…}`, and every name
 * of theirs that a step could meet begins with `__cion`.
 */

/** A read-only volume: programs, scripts and exports. */
export const stepsDirectory = '/.cion/steps';
/** A volume that the conductor writes: where it is, and what the adapter reads. It is in no image. */
export const stateDirectory = '/.cion/state';
export const reportDirectory = '/report';

/**
 * What both shells know. A mark is `RS nonce words RS LF`, in one write, on stdout and stderr. Marks with a number are on both: what
 * stands before one on a stream belongs before it on the other too.
 */
export const words = `__cion_state=${stateDirectory}

# Descriptors that no step uses. dash reads one digit alone, and takes 211 for a command.
if (eval 'exec 211>&1') 2>/dev/null; then __cion_in=213 __cion_out=211 __cion_err=212; else __cion_in=7 __cion_out=8 __cion_err=9; fi
eval "exec $__cion_in<&0 $__cion_out>&1 $__cion_err>&2
__cion_stdout() { command printf \\"\\$@\\" >&$__cion_out; }
__cion_stderr() { command printf \\"\\$@\\" >&$__cion_err; }
__cion_hear() { IFS=' ' command read -r __cion_to __cion_word __cion_text <&$__cion_in; }
__cion_streams() { exec </dev/null >&$__cion_out 2>&$__cion_err; }"

__cion_cp=$(command -v cp)
__cion_cat=$(command -v cat)

# number, the other words
__cion_mark() {
  __cion_stdout '\\036%s %s %s\\036\\n' "$__cion_nonce" "$1" "$2"
  __cion_stderr '\\036%s %s\\036\\n' "$__cion_nonce" "$1"
}

# number of a step, id
__cion_mark_begin() { __cion_mark "$(($1 * 2 - 1))" "begin $2"; }

# number of a step, what is asked for: waits for cion. Lines for others are answers that were given twice.
__cion_ask() {
  __cion_answer=125 __cion_told=
  __cion_stdout '\\036%s 0 pause %s %s\\036\\n' "$__cion_nonce" "$1" "$2"
  while __cion_hear; do
    [ "$__cion_to" = "$1.$2" ] || continue
    case $__cion_word in
    stdout) __cion_stdout %b "$__cion_text" ;;
    stderr) __cion_stderr %b "$__cion_text" ;;
    message) __cion_say_message "$1" "$__cion_text" ;;
    told) __cion_told=" $__cion_text" ;;
    code) __cion_answer=$__cion_text && return ;;
    esac
  done
}

__cion_say_message() { command printf %b "$2" >|"$__cion_state/$1.message"; }

# number of a step, id, code: keeps its report, and says that it has ended. In "at" the last line counts: to empty a file each time would cost
# a flush of the disk's.
__cion_close() {
  __cion_has=-
  if [ -f "${reportDirectory}/$2/message.txt" ]; then "$__cion_cp" "${reportDirectory}/$2/message.txt" "$__cion_state/$1.message" 2>/dev/null; fi
  if [ -f "${reportDirectory}/$2/numbers.ini" ]; then "$__cion_cp" "${reportDirectory}/$2/numbers.ini" "$__cion_state/$1.numbers" 2>/dev/null; fi
  if [ -f "$__cion_state/$1.message" ]; then __cion_has="$__cion_has"m; fi
  if [ -f "$__cion_state/$1.numbers" ]; then __cion_has="$__cion_has"n; fi
  __cion_told=
  if [ "$__cion_commits" = yes ]; then __cion_ask "$1" commit; fi
  __cion_mark "$(($1 * 2))" "end $2 $3 $__cion_has$__cion_told"
  command printf 'n=%s ended=%s\\n' "$1" "$3" >>"$__cion_state/at"
}
`;

/** Process 1: `conductor <nonce>`. It outlives what steps do to their shell, and knows then which step it was. */
export const conductor = `__cion_nonce=$1
. ${stepsDirectory}/words
. ${stepsDirectory}/facts
exec 2>/dev/null

aside() { __cion_stdout '\\036%s 0 %s\\036\\n' "$__cion_nonce" "$1"; }

# false when a step may have left a file in its report directory
is_empty() {
  if [ ! -r ${reportDirectory} ] || [ ! -x ${reportDirectory} ]; then return 1; fi
  for directory in ${reportDirectory}/* ${reportDirectory}/.[!.]*; do
    if [ ! -d "$directory" ]; then continue; fi
    if [ ! -r "$directory" ] || [ ! -x "$directory" ]; then return 1; fi
    if [ ! -d "$directory/artifacts" ]; then continue; fi
    if [ ! -r "$directory/artifacts" ] || [ ! -x "$directory/artifacts" ]; then return 1; fi
    for file in "$directory/artifacts"/* "$directory/artifacts"/.[!.]* "$directory/artifacts"/..?*; do
      if [ -e "$file" ] || [ -h "$file" ]; then return 1; fi
    done
  done
}

end() {
  if is_empty; then aside empty; fi
  exit "$result"
}

if [ -z "$__cion_cp" ]; then aside 'lacks cp'; exit 125; fi
if ! command -v mkdir >/dev/null; then aside 'lacks mkdir'; exit 125; fi
if ! . ${stepsDirectory}/directories; then aside unmade; exit 125; fi
shell=$(command -v bash || command -v sh)
clean=$(command -v env)

# program, number of the first step, of the last: sets failed (a number, or nothing) and code
conduct() {
  first=$2 how=fresh failed= code=0
  while [ "$first" -le "$3" ]; do
    command printf 'n=%s ended=\\n' 0 >|"$__cion_state/at"
    set -- "$1" "$2" "$3" "$shell" ${stepsDirectory}/shell "$__cion_nonce" "$1" "$first" "$how"
    run "$@"
    code=$?
    . "$__cion_state/at"
    if [ "$n" = 0 ]; then
      # It fell before it began: over a variable, or over a kill that was meant for the step before.
      n=$first
      [ "$code" != 0 ] || code=1
      __cion_about "$n"
      __cion_mark_begin "$n" "$id"
      __cion_close "$n" "$id" "$code"
    elif [ -z "$ended" ]; then
      __cion_about "$n"
      __cion_close "$n" "$id" "$code"
    elif [ "$ended" != 0 ]; then
      code=$ended
    elif [ "$code" != 0 ]; then
      [ "$n" -lt "$3" ] || return
      n=$((n + 1))
      __cion_about "$n"
      __cion_mark_begin "$n" "$id"
      __cion_close "$n" "$id" "$code"
    fi
    if [ "$code" != 0 ]; then failed=$n; return; fi
    if [ -e "$__cion_state/stop" ]; then failed=$n code=143; return; fi
    first=$((n + 1)) how=again
  done
}

# A shell that is not the first gets its environment from the one before, and nothing of ours.
run() {
  shift 3
  if [ "$how" = again ] && [ -n "$clean" ]; then set -- "$clean" -i "$@"; fi
  eval "\\"\\$@\\" <&$__cion_in >&$__cion_out 2>&$__cion_err"
}

conduct steps 1 "$__cion_last"
result=$code
if [ -e "$__cion_state/stop" ]; then end; fi
export CION_RESULT=passed CION_FAILED_STEP= CION_FAILED_STEP_ID= CION_FAILED_STEP_MESSAGE=
if [ -n "$failed" ]; then
  __cion_about "$failed"
  CION_RESULT=failed CION_FAILED_STEP=$name CION_FAILED_STEP_ID=$id
  if [ -f "$__cion_state/$failed.message" ]; then CION_FAILED_STEP_MESSAGE=$(head -c 16384 "$__cion_state/$failed.message"); fi
fi
conduct after "$((__cion_last + 1))" "$__cion_last_after"
end
`;

/** What sources the steps: \`shell <nonce> steps|after <number of the first> fresh|again\`. */
export const shell = `__cion_nonce=$1 __cion_program=$2 __cion_first=$3 __cion_how=$4 __cion_opts=
set --
. ${stepsDirectory}/words
. ${stepsDirectory}/facts
__cion_streams

# number, id: false when another shell has done it
__cion_begin() {
  [ "$1" -ge "$__cion_first" ] || return 1
  __cion_n=$1 __cion_id=$2
  export -p >|"$__cion_state/exported"
  export CION_REPORT_DIR="${reportDirectory}/$2"
  [ -d "$CION_REPORT_DIR/artifacts" ] || command mkdir -p "$CION_REPORT_DIR/artifacts" 2>/dev/null
  command printf 'n=%s ended=\\n' "$1" >>"$__cion_state/at"
  __cion_mark_begin "$1" "$2"
  __cion_streams
}

# directory below the working directory, or nothing
__cion_enter() {
  CDPATH= command cd -- "$__cion_workdir" || return
  if [ -n "$1" ]; then CDPATH= command cd -- "$1" >/dev/null || return; fi
  trap - HUP INT QUIT PIPE ALRM TERM USR1 USR2 2>/dev/null
  if [ -n "$BASH_VERSION" ]; then trap - DEBUG ERR RETURN; fi
  trap '{ __cion_exit $?; } 2>/dev/null' EXIT
  case $__cion_opts in *u*) set -u ;; esac
  case $__cion_opts in *a*) set -a ;; esac
  case $__cion_opts in *v*) set -v ;; esac
  case $__cion_opts in *x*) set -x ;; esac
}

# Of all that steps may change, what we ourselves stand on. Options come back with the next step; \`set -e\` does not.
__cion_ours() {
  __cion_opts=$-
  set +xvuae
  trap - EXIT
  unset -f command
}

# code
__cion_end() {
  __cion_ours
  __cion_close "$__cion_n" "$__cion_id" "$1"
  [ "$1" = 0 ] || exit "$1"
}

# code: a step has ended the shell
__cion_exit() {
  __cion_ours
  if [ "$1" = 0 ]; then
    if [ -f "${stepsDirectory}/$__cion_n.leave" ]; then . "${stepsDirectory}/$__cion_n.leave"; fi
    export -p >|"$__cion_state/exported"
  fi
  __cion_close "$__cion_n" "$__cion_id" "$1"
  exit "$1"
}

# A step of cion's own.
__cion_internal() {
  "$__cion_cat" /proc/self/environ >|"$__cion_state/environ"
  __cion_ask "$__cion_n" internal
  return "$__cion_answer"
}

case $__cion_how in
again) . "$__cion_state/exported" ;;
*) . ${stepsDirectory}/variables ;;
esac
. "${stepsDirectory}/$__cion_program"
trap - EXIT
exit 0
`;
