#!/bin/sh
# process.sh RUN_DIRECTORY NAME: one process, as supervisord runs it. It notes its start and its id, and becomes what
# `make up` has written into processes/NAME.sh.
run=$1 name=$2
own=$run/processes/$name pid=$run/$name.pid
rm -f "$own".*.ready
if [ -e "$pid" ]; then # what the one before, killed, has begun ends with it
    before=$(cat "$pid")
    [ -e "/proc/$before" ] || kill -s KILL -- "-$before" 2>/dev/null
    rm -f "$pid"
fi
# Back-off: who died within five seconds of its start waits.
[ -z "$(find "$own.starts" -newermt '5 seconds ago' 2>/dev/null)" ] || sleep 2
printf . >>"$own.starts"
echo $$ >"$pid.new" && mv "$pid.new" "$pid"
unset SUPERVISOR_ENABLED SUPERVISOR_PROCESS_NAME SUPERVISOR_GROUP_NAME SUPERVISOR_SERVER_URL
export POLDER_READY_FILE="$own.$$.ready" POLDER_PROCESS="$name" POLDER_STACK="$run"
. "$own.sh"
