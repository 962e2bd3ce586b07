/**
 * What steps expect to find in their shell. Read again by whichever shell does not have it. As root, or without a `sudo`, `sudo` runs
 * what stands behind it.
 */
export const shellFunctions = `success() { printf '\\033[32m%s\\033[0m\\n' "$*"; }
info() { printf '%s\\n' "$*"; }
debug() { printf '\\033[36m%s\\033[0m\\n' "$*"; }
warn() { printf '\\033[33m%s\\033[0m\\n' "$*"; }
error() { printf '\\033[31merror: %s\\033[0m\\n' "$*"; }
fail() { printf '\\033[31mfailed: %s\\033[0m\\n' "$*"; setMessage "$*"; exit 1; }
if [ -n "\${BASH_VERSION:-}" ]; then shopt -s expand_aliases; fi
if [ "$(id -u 2>/dev/null)" = 0 ] || ! command -v sudo >/dev/null 2>&1; then
  sudo() {
    while :; do
      case "\${1-}" in
        -E | -H | -n | -S | --) shift ;;
        *) break ;;
      esac
    done
    case "\${1-}" in
      [A-Za-z_]*=*) env "$@" ;;
      *) "$@" ;;
    esac
  }
fi
setMessage() { printf '%s\\n' "$*" >"$WERCKER_REPORT_MESSAGE_FILE"; }
`;
