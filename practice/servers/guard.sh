#!/bin/sh
# Runs commands one after the other for as long as somebody holds the other end of standard input. When that closes,
# by decision or because its holder died, however suddenly, the command that runs is stopped. At the end the folder is
# removed, if one is given.
#
# guard.sh FOLDER SIGNAL COMMAND [SIGNAL COMMAND]...
# Each COMMAND is one argument, quoted for the shell; SIGNAL is what stops it.

folder=$1
shift
exec 3<&0 </dev/null
stopping=
running=
code=0

trap 'stopping=1; [ -z "$running" ] || kill -s "$signal" "$running" 2>/dev/null' TERM INT HUP
trap '[ -z "$running" ] || kill -s KILL "$running" 2>/dev/null' USR1

# Asks again every second, because a command that is just starting may not listen yet, and insists after five.
{
  trap '[ -z "$nap" ] || kill "$nap" 2>/dev/null; exit 0' TERM
  nap=
  read -r _ <&3
  tries=0
  while kill -s TERM $$ 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -le 5 ] || kill -s USR1 $$
    sleep 1 &
    nap=$!
    wait "$nap"
  done
} >/dev/null 2>&1 &
watcher=$!

while [ $# -gt 1 ] && [ -z "$stopping" ] && [ "$code" -eq 0 ]; do
  signal=$1
  eval "$2 3<&- &"
  running=$!
  shift 2
  wait "$running"
  code=$?
  # A signal to us ends the waiting, not the command.
  while kill -0 "$running" 2>/dev/null; do
    wait "$running"
    code=$?
  done
  running=
done

kill "$watcher" 2>/dev/null
[ -z "$folder" ] || rm -rf -- "$folder"
exit "$code"
