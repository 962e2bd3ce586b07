#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays.
(
  command -v npm >/dev/null 2>&1 || fail 'npm-install: there is no npm in this box'

  if [ "${WERCKER_NPM_INSTALL_USE_CACHE:-true}" = true ] && [ -n "${WERCKER_CACHE_DIR:-}" ]; then
    npm_config_cache=$WERCKER_CACHE_DIR/wercker/npm
    export npm_config_cache
    mkdir -p "$npm_config_cache" || fail "npm-install: $npm_config_cache cannot be made"
    info "npm-install: the cache is $npm_config_cache"
  fi

  set -f # options are several words, and none of them is a pattern
  try=1
  # shellcheck disable=SC2086
  until npm install ${WERCKER_NPM_INSTALL_OPTIONS:-}; do
    [ "$try" -lt 3 ] || fail 'npm-install: npm install failed three times'
    try=$((try + 1))
    if [ "${WERCKER_NPM_INSTALL_CLEAR_CACHE_ON_FAILED:-true}" = true ]; then
      warn 'npm-install: the cache is cleared'
      npm cache clean --force
    fi
    info "npm-install: try $try of 3"
  done
  success 'npm-install: done'
)
