#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays.
(
  file=${WERCKER_CREATE_FILE_FILENAME:-}
  content=${WERCKER_CREATE_FILE_CONTENT:-}

  [ -n "$file" ] || fail 'create-file: the option filename is missing'
  [ -n "$content" ] || warn "create-file: there is no content, $file will be empty"
  if [ -e "$file" ] && [ "${WERCKER_CREATE_FILE_OVERWRITE:-}" != true ]; then
    fail "create-file: $file is there already; overwrite: true replaces it"
  fi

  case $file in
    */*) mkdir -p -- "${file%/*}/" || fail "create-file: the directory of $file cannot be made" ;;
  esac
  if [ -n "$content" ]; then printf '%s\n' "$content" >"$file"; else : >"$file"; fi || fail "create-file: $file cannot be written"

  [ "${WERCKER_CREATE_FILE_HIDE_FROM_LOG:-}" = true ] || [ -z "$content" ] || printf '%s\n' "$content"
  success "create-file: wrote $file"
)
