#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays. Settings go to .bundle/config beside the Gemfile,
# where later steps find them.
(
  gemfile=${WERCKER_BUNDLE_INSTALL_GEMFILE:-Gemfile}
  if [ ! -e "$gemfile" ]; then
    info "bundle-install: there is no $gemfile in $PWD, so there is nothing to do"
    exit 0
  fi

  if ! command -v bundle >/dev/null 2>&1; then
    command -v gem >/dev/null 2>&1 || fail 'bundle-install: there is neither bundle nor gem in this box'
    info 'bundle-install: there is no bundle, it is installed'
    gem install bundler --no-document --version "${WERCKER_BUNDLE_INSTALL_VERSION:->=1.5.2}" || fail 'bundle-install: bundler cannot be installed'
  fi

  case $(bundle --version) in
    *' 1.'*) setting() { bundle config --local "$1" "$2"; } ;;
    *) setting() { bundle config set --local "$1" "$2"; } ;;
  esac
  setting_if() { [ "$2" != true ] || setting "$1" true; }

  path=${WERCKER_BUNDLE_INSTALL_PATH:-${WERCKER_CACHE_DIR:+$WERCKER_CACHE_DIR/bundle-install}}
  [ -z "$path" ] || setting path "$path"
  [ -z "${WERCKER_BUNDLE_INSTALL_WITHOUT:-}" ] || setting without "$(echo "$WERCKER_BUNDLE_INSTALL_WITHOUT" | tr ' ' ':')"
  setting_if clean "${WERCKER_BUNDLE_INSTALL_CLEAN:-}"
  setting_if deployment "${WERCKER_BUNDLE_INSTALL_DEPLOYMENT:-}"
  setting_if frozen "${WERCKER_BUNDLE_INSTALL_FROZEN:-}"
  [ "${WERCKER_BUNDLE_INSTALL_BINSTUBS:-}" != true ] || setting bin bin
  [ "$gemfile" = Gemfile ] || setting gemfile "$gemfile"

  set -- install --retry "${WERCKER_BUNDLE_INSTALL_RETRY:-3}"
  [ "${WERCKER_BUNDLE_INSTALL_JOBS:-0}" -le 0 ] || set -- "$@" --jobs "$WERCKER_BUNDLE_INSTALL_JOBS"
  [ "${WERCKER_BUNDLE_INSTALL_STANDALONE:-}" != true ] || set -- "$@" --standalone
  [ "${WERCKER_BUNDLE_INSTALL_FULL_INDEX:-}" != true ] || set -- "$@" --full-index
  [ "${WERCKER_BUNDLE_INSTALL_LOCAL:-}" != true ] || set -- "$@" --local

  try=1
  until bundle "$@"; do
    [ "$try" -lt 3 ] || fail 'bundle-install: bundle install failed three times'
    try=$((try + 1))
    if [ "${WERCKER_BUNDLE_INSTALL_CLEAR_PATH:-true}" = true ] && [ -n "$path" ]; then
      warn "bundle-install: $path is cleared"
      rm -rf "$path"
    fi
    info "bundle-install: try $try of 3"
  done
  if command -v rbenv >/dev/null 2>&1; then rbenv rehash; fi
  success 'bundle-install: done'
)
