#!/bin/sh
# venv.sh REQUIREMENTS.txt: make ./.venv hold exactly-pinned REQUIREMENTS.txt, and the library of this checkout, editable.
#
# May run any number of times, also at the same time as itself; does nothing, in milliseconds, when the environment is
# up to date. PYTHON names another interpreter to make it with. Exit 1 with one clear message when something is missing.
set -eu

requirements=$1
venv=.venv
unfinished=$venv/.unfinished # there while pip works: an environment that has it was left half-finished, and is made anew
# One mark for each file that the environment holds, named after its content. requirements-dev.txt holds requirements.txt.
holds=$venv/.holds
case $requirements in
    requirements-dev.txt) covers="requirements-dev.txt requirements.txt" ;;
    *) covers=$requirements ;;
esac

fail() { printf 'polder: %s\n' "$1" >&2; exit 1; }

mark() { echo "$holds/$(cksum <"$1" | tr ' ' -)"; }

installed() { [ ! -e "$unfinished" ] && [ -e "$(mark "$requirements")" ] && "$venv/bin/python" -c '' 2>/dev/null; }

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# Debian keeps them in a package of their own.
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

usable() { [ ! -e "$unfinished" ] && recent "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        recent "$PYTHON" || fail "PYTHON=$PYTHON is not a working Python 3.11 or newer."
        python=$PYTHON
        return
    fi
    # The system's own first: Debian's is compiled with profiles of real programs, and takes a quarter less processor time
    # than one that pyenv compiles by its defaults.
    for python in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
        if recent "$python" && has_venv "$python"; then return; fi
    done
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if recent "$python"; then return; fi
    done
    fail "Python 3.11 or newer is needed, but python3 is: $(python3 --version 2>&1 || echo missing).
        Install one (Debian 12: apt-get install python3 python3-venv) and run again, or name it: make PYTHON=/path/to/python3.11 ..."
}

ensure_venv_module() {
    has_venv "$python" && return
    package=python3-venv
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    [ "$(command -v "$python")" = "/usr/bin/python$version" ] && package="python$version-venv"
    command -v apt-get >/dev/null || fail "$python has no venv module: install it with your system's package manager, and run again."
    [ "$(id -u)" = 0 ] || fail "$python has no venv module. Install it and run again: sudo apt-get update && sudo apt-get install --no-install-recommends $package"
    echo "Installing $package ..."
    log=$(mktemp)
    if ! sh deploy/local/packages.sh "$package" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "$package could not be installed (all of its output: $log). Does this machine reach its package mirror? When it does, run again."
    fi
    rm -f "$log"
}

free_megabytes() { df -Pk . | awk 'NR == 2 { print int($4 / 1024) }'; }

# What most often is behind a failed installation.
advice() {
    [ "$(free_megabytes)" -ge 50 ] || { echo "The disk is full: $(free_megabytes) MB are free in $(pwd). Make room, and run again."; return; }
    echo "Does this machine reach its package index? When it does, run again."
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

if installed; then exit 0; fi
[ -w . ] && { [ ! -e "$venv" ] || [ -w "$venv" ]; } || fail "$(id -un) may not write to $(pwd)/$venv, which belongs to $(stat -c %U "$venv" 2>/dev/null || stat -c %U .).
        Run as that user, or give it away: sudo chown -R $(id -un) $(pwd)"

# One at a time, whoever shares the environment: `make test` beside `make up` must not install into it at once.
if command -v flock >/dev/null; then
    exec 9<"$(dirname "$(readlink -f "$venv")")"
    flock 9
    if installed; then exit 0; fi
fi

trap interrupted INT TERM HUP
if ! usable; then
    [ ! -e "$venv" ] || echo "$venv is unfinished or does not work; it is made anew."
    find_python
    ensure_venv_module
    echo "Creating $venv with $("$python" --version) ..."
    run "$python" -m venv --clear "$venv" || fail "$venv could not be made (see above). $(advice)"
fi
: >"$unfinished"
echo "Installing $requirements into $venv (a minute or two) ..."
run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements" || {
    [ "$(free_megabytes)" -lt 50 ] || rm "$unfinished"
    fail "pip could not install $requirements (see above). $(advice)"
}
run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ||
    fail "pip could not install the library of this checkout (see above). $(advice)"
rm -rf "$holds"
mkdir "$holds"
for file in $covers; do : >"$(mark "$file")"; done
rm "$unfinished"
