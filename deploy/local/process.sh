#!/bin/sh
# process.sh RUN_DIRECTORY NAME: one process, as supervisord runs it. It notes its start and its id, and becomes what
# `make up` has written into processes/NAME.sh.
run=$1 name=$2
own=$run/processes/$name
printf . >>"$own.starts"
rm -f "$own".*.ready
[ ! -e "$run/$name.pid" ] || mv "$run/$name.pid" "$run/$name.before.pid" # whose group may not be ended yet: see watch.py
echo $$ >"$run/$name.pid.new" && mv "$run/$name.pid.new" "$run/$name.pid"
unset SUPERVISOR_ENABLED SUPERVISOR_PROCESS_NAME SUPERVISOR_GROUP_NAME SUPERVISOR_SERVER_URL
export POLDER_READY_FILE="$own.$$.ready" POLDER_PROCESS="$name" POLDER_STACK="$run"
. "$own.sh"
