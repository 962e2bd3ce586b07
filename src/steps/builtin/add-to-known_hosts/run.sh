#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays.
(
  host=${WERCKER_ADD_TO_KNOWN_HOSTS_HOSTNAME:-}
  wanted=${WERCKER_ADD_TO_KNOWN_HOSTS_FINGERPRINT:-}
  [ -n "$host" ] || fail 'add-to-known_hosts: the option hostname is missing'
  command -v ssh-keyscan >/dev/null 2>&1 || fail 'add-to-known_hosts: there is no ssh-keyscan in this box (openssh-client has it)'

  if [ "${WERCKER_ADD_TO_KNOWN_HOSTS_LOCAL:-}" = true ]; then
    # ssh asks the system for the home, and not the environment.
    home=$(awk -F: -v id="$(id -u)" '$3 == id { print $6; exit }' /etc/passwd 2>/dev/null)
    file=${home:-$HOME}/.ssh/known_hosts
    (umask 077 && mkdir -p "${file%/*}")
  else
    file=/etc/ssh/ssh_known_hosts
    mkdir -p /etc/ssh 2>/dev/null
  fi
  if ! : 2>/dev/null >>"$file"; then
    fail "add-to-known_hosts: $file cannot be written; local: true takes the one of the user"
  fi

  set -- -t "${WERCKER_ADD_TO_KNOWN_HOSTS_TYPE:-ed25519,ecdsa,rsa}"
  [ -z "${WERCKER_ADD_TO_KNOWN_HOSTS_PORT:-}" ] || set -- "$@" -p "$WERCKER_ADD_TO_KNOWN_HOSTS_PORT"
  [ -z "${WERCKER_ADD_TO_KNOWN_HOSTS_TIMEOUT:-}" ] || set -- "$@" -T "$WERCKER_ADD_TO_KNOWN_HOSTS_TIMEOUT"
  folder=$(mktemp -d) || fail 'add-to-known_hosts: there is no place for temporary files'
  trap 'rm -rf "$folder"' EXIT
  ssh-keyscan "$@" -- "$host" 2>"$folder/errors" | grep -v '^ *#' | grep . >"$folder/keys"
  if [ ! -s "$folder/keys" ]; then
    cat "$folder/errors" >&2
    fail "add-to-known_hosts: $host tells no key"
  fi

  if [ -z "$wanted" ]; then
    warn "add-to-known_hosts: the key of $host was not checked; give its fingerprint, or somebody else may be behind that name"
    cat "$folder/keys" >>"$file"
    success "add-to-known_hosts: $host is in $file"
    exit 0
  fi

  case $wanted in
    MD5:* | ??:??:??:??:*) algorithm=md5 ;;
    *) algorithm=sha256 ;;
  esac
  [ "${WERCKER_ADD_TO_KNOWN_HOSTS_USE_MD5:-}" != true ] || algorithm=md5
  bare() { printf '%s' "$1" | sed -e 's/^SHA256://' -e 's/^MD5://' -e 's/=*$//'; }
  while IFS= read -r line; do
    printf '%s\n' "$line" >"$folder/key"
    told=$(ssh-keygen -l -E "$algorithm" -f "$folder/key" | awk '{ print $2 }')
    if [ "$(bare "$told")" = "$(bare "$wanted")" ]; then
      printf '%s\n' "$line" >>"$file"
      success "add-to-known_hosts: $host with $told is in $file"
      exit 0
    fi
    info "add-to-known_hosts: a key of $host has the fingerprint $told"
  done <"$folder/keys"
  fail "add-to-known_hosts: no key of $host has the fingerprint $wanted"
)
