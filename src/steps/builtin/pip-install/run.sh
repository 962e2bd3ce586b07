#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays.
(
  pip=${WERCKER_PIP_INSTALL_PIP_COMMAND:-pip}
  file=${WERCKER_PIP_INSTALL_REQUIREMENTS_FILE:-}
  packages=${WERCKER_PIP_INSTALL_PACKAGES_LIST:-}

  set -f # lists and extra arguments are several words, and none of them is a pattern
  command -v "${pip%% *}" >/dev/null 2>&1 || fail "pip-install: there is no $pip in this box"

  # shellcheck disable=SC2086
  set -- $packages
  if [ -f "$file" ]; then
    set -- -r "$file" "$@"
  elif [ -n "$file" ] && { [ "$file" != requirements.txt ] || [ $# -eq 0 ]; }; then
    fail "pip-install: there is no $file"
  fi
  [ $# -gt 0 ] || fail 'pip-install: there is nothing to install: give requirements_file or packages_list'

  # A box is thrown away: its system is not to be protected from its packages.
  export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1

  if [ "${WERCKER_PIP_INSTALL_CLEANUP_WHEEL_CACHE:-}" = true ]; then
    [ -n "${PIP_WHEEL_DIR:-}" ] || fail 'pip-install: cleanup_wheel_cache needs PIP_WHEEL_DIR'
    find "$PIP_WHEEL_DIR" -name '*.whl' -exec rm -f {} +
  fi
  if [ "${WERCKER_PIP_INSTALL_AUTO_RUN_WHEEL:-}" = true ] && [ "${PIP_USE_WHEEL:-}" = true ]; then
    # shellcheck disable=SC2086
    $pip wheel "$@" ${WERCKER_PIP_INSTALL_EXTRA_WHEEL_ARGS:-} || fail 'pip-install: pip wheel failed'
  fi
  info "pip-install: $pip install $*"
  # shellcheck disable=SC2086
  $pip install "$@" ${WERCKER_PIP_INSTALL_EXTRA_ARGS:-} || fail 'pip-install: pip install failed'
  success 'pip-install: done'
)
