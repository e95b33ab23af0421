#!/bin/sh
# venv.sh [--tell] REQUIREMENTS.txt: make ./.venv hold exactly-pinned REQUIREMENTS.txt.
#
# May run any number of times, also at the same time as itself; does nothing, in milliseconds, when the environment is
# up to date: a copy of each installed requirements file is kept inside it and compared. PYTHON names another
# interpreter to make the environment with. Exit 1 with one clear message when something is missing.
#
# With --tell it changes nothing and prints what it would do, for `make doctor`: "ready", "install", "create PYTHON",
# "begin PYTHON" (an earlier run was interrupted), "module PACKAGE" (it would install Debian's venv module first).
set -eu

tell=
if [ "$1" = --tell ]; then tell=1; shift; fi
requirements=$1
venv=.venv
# There while pip works. An environment that has it was left half-finished, and is made anew.
unfinished=$venv/.installing
# requirements-dev.txt holds all of requirements.txt, so installing it settles both.
case $requirements in
    requirements-dev.txt) covers="requirements-dev.txt requirements.txt" ;;
    *) covers=$requirements ;;
esac

fail() { printf 'polder: %s\n' "$1" >&2; exit 1; }

installed() { [ ! -e "$unfinished" ] && "$venv/bin/python" -c '' 2>/dev/null && cmp -s "$requirements" "$venv/.installed-$requirements"; }

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

usable() { [ ! -e "$unfinished" ] && recent "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        recent "$PYTHON" || fail "PYTHON=$PYTHON is not a working Python 3.11 or newer."
        python=$PYTHON
        return
    fi
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if recent "$python"; then return; fi
    done
    found=$(python3 --version 2>&1 || true)
    fail "Python 3.11 or newer is needed, but python3 is: ${found:-missing}.
        Install one (Debian 12: apt-get install python3 python3-venv) and run again, or name it: make PYTHON=/path/to/python3.11 ..."
}

# Debian keeps venv and ensurepip in a package of their own.
ensure_venv_module() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python3-venv
    [ "$(command -v "$python")" = "/usr/bin/python$version" ] && package="python$version-venv"
    if ! command -v apt-get >/dev/null; then
        fail "$python has no venv module: install it with your system's package manager, and run again."
    fi
    if [ "$(id -u)" != 0 ]; then
        fail "$python has no venv module. Install it and run again: sudo apt-get update && sudo apt-get install --no-install-recommends $package"
    fi
    if [ -n "$tell" ]; then echo "module $package"; exit 0; fi
    echo "Installing $package ..."
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    if ! { apt-get update && apt-get install -y --no-install-recommends "$package"; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "apt-get install $package failed (all of its output: $log). Does this machine reach its package mirror?
        When it does, run again."
    fi
    rm -f "$log"
}

free_megabytes() { df -Pk . | awk 'NR == 2 { print int($4 / 1024) }'; }

disk_is_full() { [ "$(free_megabytes)" -lt 50 ]; }

# One line of advice for what most often is behind a failed installation.
advice() {
    if disk_is_full; then
        echo "The disk is full: $(free_megabytes) MB are free in $(pwd). Make room, and run again."
    else
        echo "Does this machine reach its package index? When it does, run again; \`make doctor\` tells what else is missing."
    fi
}

# In the background, where Ctrl-C does not reach it: Python, interrupted while it starts, shows a traceback.
child=
run() {
    "$@" &
    child=$!
    wait "$child" || { child=; return 1; }
    child=
}

interrupted() {
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    fail "Interrupted. $venv is unfinished; running again makes it anew."
}

create() {
    find_python
    ensure_venv_module
    echo "Creating $venv with $("$python" --version) ..."
    run "$python" -m venv --clear "$venv" || fail "$venv could not be made (see above). $(advice)"
}

may_write() {
    [ -w . ] && { [ ! -e "$venv" ] || [ -w "$venv" ]; } && return
    fail "$(id -un) may not write to $(pwd)/$venv, which belongs to $(stat -c %U "$venv" 2>/dev/null || stat -c %U .). Run as that user,
        or give it away: sudo chown -R $(id -un) $(pwd)"
}

if installed; then
    [ -z "$tell" ] || echo ready
    exit 0
fi
may_write

if [ -n "$tell" ]; then
    if usable; then echo install; exit 0; fi
    find_python
    ensure_venv_module
    [ -e "$venv" ] && echo "begin $python" || echo "create $python"
    exit 0
fi

# One at a time: `make test` beside `make up` must not install into the same environment at once.
if command -v flock >/dev/null; then
    exec 9<Makefile
    flock 9
    if installed; then exit 0; fi
fi

trap interrupted INT TERM HUP
if ! usable; then
    [ ! -e "$venv" ] || echo "$venv is unfinished or does not work; it is made anew."
    create
fi
: >"$unfinished"
echo "Installing $requirements into $venv (a minute or two) ..."
run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements" \
    || { disk_is_full || rm "$unfinished"; fail "pip could not install $requirements (see above). $(advice)"; }
for file in $covers; do cp "$file" "$venv/.installed-$file"; done
rm "$unfinished"
