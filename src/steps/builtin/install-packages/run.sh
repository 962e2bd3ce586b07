#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays.
(
  set -f # packages are several words, and none of them is a pattern
  # shellcheck disable=SC2086
  set -- ${WERCKER_INSTALL_PACKAGES_PACKAGES:-}
  [ $# -gt 0 ] || fail 'install-packages: the option packages is missing'

  as_root() {
    if [ "$(id -u)" = 0 ]; then
      "$@"
    elif [ -x "$(command -v sudo 2>/dev/null)" ]; then
      command sudo "$@"
    else
      fail 'install-packages: packages are installed by root, and the user of this box is not root and has no sudo'
    fi
  }
  has() { command -v "$1" >/dev/null 2>&1; }

  if has apt-get; then
    install() { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y "$@"; }
    clear_cache() { as_root apt-get clean && as_root find /var/lib/apt/lists -type f -exec rm -f {} +; }
  elif has apk; then
    install() { as_root apk add --no-cache "$@"; }
    clear_cache() { :; }
  elif has dnf; then
    install() { as_root dnf install -y "$@"; }
    clear_cache() { as_root dnf clean all; }
  elif has microdnf; then
    install() { as_root microdnf install -y "$@"; }
    clear_cache() { as_root microdnf clean all; }
  elif has yum; then
    install() { as_root yum install -y "$@"; }
    clear_cache() { as_root yum clean all; }
  else
    fail 'install-packages: there is no apt-get, apk, dnf, microdnf or yum in this box'
  fi

  try=1
  until install "$@"; do
    [ "$try" -lt 3 ] || fail "install-packages: cannot install $*, tried three times"
    try=$((try + 1))
    [ "${WERCKER_INSTALL_PACKAGES_CLEAR_CACHE:-true}" != true ] || clear_cache
    info "install-packages: try $try of 3"
  done
  success "install-packages: installed $*"
)
