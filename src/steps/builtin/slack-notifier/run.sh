#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays. That nobody could be told is said and fails nothing.
(
  set +x
  url=${WERCKER_SLACK_NOTIFIER_URL:-}
  result=${WERCKER_RESULT:-}
  [ -n "$url" ] || fail 'slack-notifier: the option url is missing'

  if [ "${WERCKER_SLACK_NOTIFIER_NOTIFY_ON:-}" = failed ] && [ "$result" = passed ]; then
    exit 0
  fi
  if [ -n "${WERCKER_SLACK_NOTIFIER_BRANCH:-}" ] && [ "$WERCKER_SLACK_NOTIFIER_BRANCH" != "${WERCKER_GIT_BRANCH:-}" ]; then
    exit 0
  fi

  # A text as it stands in a message of Slack, and as it stands in JSON.
  plain() { printf '%s' "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'; }
  json() {
    printf '"'
    printf '%s' "$1" | tr '\t' ' ' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' | awk '{ printf "%s%s", sep, $0; sep = "\\n" }' | tr -d '\000-\037'
    printf '"'
  }

  what=build
  if [ -n "${DEPLOY:-}" ]; then
    what="deploy${WERCKER_DEPLOYTARGET_NAME:+ ($WERCKER_DEPLOYTARGET_NAME)}"
  fi
  rest=" for ${WERCKER_APPLICATION_NAME:-} by ${WERCKER_STARTED_BY:-} has ${result:-an unknown result} on branch ${WERCKER_GIT_BRANCH:-}"
  color=good
  if [ "$result" = failed ]; then
    rest="$rest at step: ${WERCKER_FAILED_STEP_DISPLAY_NAME:-}"
    color=danger
  fi
  linked=$(plain "$what")
  [ -z "${WERCKER_RUN_URL:-}" ] || linked="<$WERCKER_RUN_URL|$linked>"

  folder=$(mktemp -d) || fail 'slack-notifier: there is no place for temporary files'
  trap 'rm -rf "$folder"' EXIT
  {
    printf '{"username":%s' "$(json "${WERCKER_SLACK_NOTIFIER_USERNAME:-cion}")"
    [ -z "${WERCKER_SLACK_NOTIFIER_CHANNEL:-}" ] || printf ',"channel":%s' "$(json "#${WERCKER_SLACK_NOTIFIER_CHANNEL#\#}")"
    [ -z "${WERCKER_SLACK_NOTIFIER_ICON_URL:-}" ] || printf ',"icon_url":%s' "$(json "$WERCKER_SLACK_NOTIFIER_ICON_URL")"
    printf ',"attachments":[{"fallback":%s,"text":%s,"color":"%s"}]}' "$(json "$what$rest")" "$(json "$linked$(plain "$rest")")" "$color"
  } >"$folder/message"

  # The address is a secret: curl reads it from its stdin, not from a command line.
  if command -v curl >/dev/null 2>&1; then
    printf 'url = "%s"\n' "$url" |
      curl -sS --fail --max-time 30 -K - -H 'Content-Type: application/json' --data-binary "@$folder/message" >"$folder/answer" 2>&1
  elif command -v wget >/dev/null 2>&1; then
    limit=
    if timeout 9 true 2>/dev/null; then limit="timeout 30"; fi # by itself, for the -T of some busyboxes ends in a crash
    # shellcheck disable=SC2086
    $limit wget -q -O "$folder/answer" --header 'Content-Type: application/json' --post-file "$folder/message" "$url" 2>"$folder/errors"
  else
    echo 'there is neither curl nor wget in this box' >"$folder/answer"
    false
  fi
  code=$?
  if [ "$code" -eq 0 ]; then
    success 'slack-notifier: told'
    exit 0
  fi
  cat "$folder/answer" "$folder/errors" 2>/dev/null | head -c 500 | tr '\n' ' '
  echo
  error "slack-notifier: nobody could be told ($code)"
  setMessage "slack-notifier: nobody could be told ($code)"
)
