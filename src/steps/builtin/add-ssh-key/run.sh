#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays. The key is in no command line and in no log.
(
  set +x
  name=${WERCKER_ADD_SSH_KEY_KEYNAME:-}
  host=${WERCKER_ADD_SSH_KEY_HOST:-}

  case $name in
    '') fail 'add-ssh-key: the option keyname is missing; perhaps it was written with a dollar sign' ;;
    *_PRIVATE) fail "add-ssh-key: write the keyname without its _PRIVATE: ${name%_PRIVATE}" ;;
    [0-9]* | *[!A-Za-z0-9_]*) fail "add-ssh-key: $name is no name of a variable" ;;
  esac
  eval "key=\${${name}_PRIVATE:-}"
  # shellcheck disable=SC2154
  [ -n "$key" ] || fail "add-ssh-key: there is no variable ${name}_PRIVATE (for cion it is given as X_${name}_PRIVATE or XXX_${name}_PRIVATE)"

  # ssh asks the system for the home, and not the environment.
  home=$(awk -F: -v id="$(id -u)" '$3 == id { print $6; exit }' /etc/passwd 2>/dev/null)
  home=${home:-$HOME}
  umask 077
  mkdir -p "$home/.ssh" || fail "add-ssh-key: $home/.ssh cannot be made"
  file=$home/.ssh/$name
  case $key in
    *\\n*) printf '%b\n' "$key" >"$file" ;; # line ends written as two characters
    *) printf '%s\n' "$key" >"$file" ;;
  esac || fail "add-ssh-key: $file cannot be written"
  printf '\nHost %s\n  IdentityFile "%s"\n' "${host:-*}" "$file" >>"$home/.ssh/config"
  success "add-ssh-key: ssh uses the key $name for ${host:-all hosts}"
)
