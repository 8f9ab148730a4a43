#!/bin/sh
# Tells a person that Linekeeper has ended, without Node and without a database, as either may be the reason.
#
#   alert.sh ended          as ExecStopPost=: every end that nobody asked for, at most one alert in 15 minutes;
#                           exit 78 is left to OnFailure=, which comes right after
#   alert.sh failed UNIT    as OnFailure=: it has ended and is not started again; always told
#
# Every alert is a line on stderr (the journal, priority "alert") and in $STATE_DIRECTORY/exits.log, and is posted as JSON
# to the URL in /etc/linekeeper/alert-webhook when there is one (a file, as ExecStopPost= sees no credentials). A webhook
# that cannot be reached is said in the journal. Always exits 0: an alert must not change what systemd thinks of the service.
state=${STATE_DIRECTORY%%:*}
throttle_s=${ALERT_THROTTLE_S:-900}
hook=/etc/linekeeper/alert-webhook
host=$(uname -n)
now=$(date +%s)

say() {
  echo "<1>linekeeper: $1" >&2
}

tell() {
  say "$1"
  [ -n "$state" ] && printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" >>"$state/exits.log"
  [ -s "$hook" ] || return
  # nothing in the text comes from outside but names of units and words of systemd: quotes and backslashes are dropped
  text=$(printf '%s' "$1" | tr -d '"\\\n')
  body=$(printf '{"source":"linekeeper","status":"open","rule":"%s","subject":"%s","level":"critical","message":"%s","text":"%s"}' "$2" "$host" "$text" "$text")
  # the URL is a secret: by stdin, not where every process sees it
  printf 'url = "%s"\n' "$(cat "$hook")" |
    curl --silent --show-error --fail --max-time 10 --retry 2 --output /dev/null --config - \
      --header 'content-type: application/json' --data "$body" || say "the alert webhook could not be told (curl $?)"
}

case $1 in
ended)
  # set by systemd for ExecStopPost=
  [ "$SERVICE_RESULT" = success ] && exit 0
  [ "$EXIT_STATUS" = 78 ] && exit 0
  mark=$state/last-exit-alert
  last=$(cat "$mark" 2>/dev/null || echo 0)
  case $last in '' | *[!0-9]*) last=0 ;; esac
  [ $((now - last)) -lt "$throttle_s" ] && exit 0
  [ -n "$state" ] && echo "$now" >"$mark"
  tell "the service on $host ended unexpectedly ($SERVICE_RESULT: $EXIT_CODE $EXIT_STATUS) and is started again; more ends within $throttle_s s are not told" service.ended
  ;;
failed)
  tell "$2 on $host has failed and is NOT started again; a wrong configuration is named in: journalctl -u $2" service.failed
  ;;
*)
  say "alert.sh knows 'ended' and 'failed UNIT', not '$1'"
  ;;
esac
exit 0
