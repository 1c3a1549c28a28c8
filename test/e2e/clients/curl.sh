#!/usr/bin/env bash
# Follows URL with curl, and comes back behind the last id until the channel is over. One JSON line for each event.
set -uo pipefail
url=$1
last_id=
retry_ms=2000

text() { # as a JSON string
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//$'\n'/\\n}"
}

read_events() { # takes a field only with its line end, and a block only with its blank line
  local status event=message data='' has_data= id=$last_id line
  IFS=' ' read -r _ status _
  [ "${status:-}" != 204 ] || exit 0
  while IFS= read -r line && [ "$line" != $'\r' ]; do :; done # the rest of the head
  while IFS= read -r line; do
    case $line in
    'event: '*) event=${line#event: } ;;
    'data: '*) data+=${has_data:+$'\n'}${line#data: } has_data=1 ;;
    'id: '*) id=${line#id: } ;;
    'retry: '*) retry_ms=${line#retry: } ;;
    '')
      if [ -n "$has_data" ]; then
        printf '{"event":%s,"data":%s,"id":%s}\n' "$(text "$event")" "$(text "$data")" "$(text "$id")"
        last_id=$id
      fi
      event=message data='' has_data=
      ;;
    esac
  done
}

while :; do
  # --include writes the head first: its status tells an end from a cut
  read_events < <(curl --silent --no-buffer --include ${last_id:+-H "Last-Event-ID: $last_id"} "$url")
  sleep "$(printf '%d.%03d' $((retry_ms / 1000)) $((retry_ms % 1000)))"
done
