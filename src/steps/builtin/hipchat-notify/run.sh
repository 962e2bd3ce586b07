#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays. That nobody could be told is said and fails nothing.
(
  set +x
  result=${WERCKER_RESULT:-}
  url=${WERCKER_HIPCHAT_NOTIFY_URL:-${HIPCHAT_URL:-https://api.hipchat.com/v1/rooms/message}}
  [ -n "${WERCKER_HIPCHAT_NOTIFY_TOKEN:-}" ] || fail 'hipchat-notify: the option token is missing'
  [ -n "${WERCKER_HIPCHAT_NOTIFY_ROOM_ID:-}" ] || fail 'hipchat-notify: the option room-id is missing'

  if [ "${WERCKER_HIPCHAT_NOTIFY_NOTIFY_ON:-}" = failed ] && [ "$result" = passed ]; then
    exit 0
  fi

  what=build
  if [ -n "${DEPLOY:-}" ]; then
    what="deploy${WERCKER_DEPLOYTARGET_NAME:+ to $WERCKER_DEPLOYTARGET_NAME}"
  fi
  where="${WERCKER_APPLICATION_OWNER_NAME:+$WERCKER_APPLICATION_OWNER_NAME/}${WERCKER_APPLICATION_NAME:-}"
  if [ "$result" = failed ]; then
    color=${WERCKER_HIPCHAT_NOTIFY_FAILED_COLOR:-red}
    message=${WERCKER_HIPCHAT_NOTIFY_FAILED_MESSAGE:-"$where: $what of ${WERCKER_GIT_BRANCH:-} by ${WERCKER_STARTED_BY:-} failed at step ${WERCKER_FAILED_STEP_DISPLAY_NAME:-}: ${WERCKER_FAILED_STEP_MESSAGE:-}"}
  else
    color=${WERCKER_HIPCHAT_NOTIFY_PASSED_COLOR:-green}
    message=${WERCKER_HIPCHAT_NOTIFY_PASSED_MESSAGE:-"$where: $what of ${WERCKER_GIT_BRANCH:-} by ${WERCKER_STARTED_BY:-} passed"}
  fi

  # Every byte as a form has it.
  encoded() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }
  folder=$(mktemp -d) || fail 'hipchat-notify: there is no place for temporary files'
  trap 'rm -rf "$folder"' EXIT
  {
    printf 'room_id=%s' "$(encoded "$WERCKER_HIPCHAT_NOTIFY_ROOM_ID")"
    printf '&from=%s' "$(encoded "${WERCKER_HIPCHAT_NOTIFY_FROM_NAME:-cion}")"
    printf '&message=%s' "$(encoded "$message")"
    printf '&color=%s&message_format=text&notify=1' "$(encoded "$color")"
  } >"$folder/message"
  address="$url?format=json&auth_token=$(encoded "$WERCKER_HIPCHAT_NOTIFY_TOKEN")"

  # The token is a secret: curl reads it from its stdin, not from a command line.
  if command -v curl >/dev/null 2>&1; then
    printf 'url = "%s"\n' "$address" | curl -sS --fail --max-time 30 -K - --data-binary "@$folder/message" >"$folder/answer" 2>&1
  elif command -v wget >/dev/null 2>&1; then
    limit=
    if timeout 9 true 2>/dev/null; then limit="timeout 30"; fi # by itself, for the -T of some busyboxes ends in a crash
    # shellcheck disable=SC2086
    $limit wget -q -O "$folder/answer" --post-file "$folder/message" "$address" 2>"$folder/errors"
  else
    echo 'there is neither curl nor wget in this box' >"$folder/answer"
    false
  fi
  code=$?
  if [ "$code" -eq 0 ]; then
    success 'hipchat-notify: told'
    exit 0
  fi
  cat "$folder/answer" "$folder/errors" 2>/dev/null | head -c 500 | tr '\n' ' '
  echo
  error "hipchat-notify: nobody could be told ($code); HipChat's own service is gone, url names another that takes its messages"
  setMessage "hipchat-notify: nobody could be told ($code)"
)
