#!/bin/sh
# venv.sh REQUIREMENTS.txt: make ./.venv hold exactly-pinned REQUIREMENTS.txt.
#
# May run any number of times, also at the same time as itself; does nothing, in milliseconds, when the environment is
# up to date: a copy of each installed requirements file is kept inside it and compared. PYTHON names another
# interpreter to make the environment with. Exit 1 with one clear message when something is missing.
set -eu

requirements=$1
venv=.venv
# requirements-dev.txt holds all of requirements.txt, so installing it settles both.
case $requirements in
    requirements-dev.txt) covers="requirements-dev.txt requirements.txt" ;;
    *) covers=$requirements ;;
esac

fail() { printf 'polder: %s\n' "$1" >&2; exit 1; }

installed() { "$venv/bin/python" -c '' 2>/dev/null && cmp -s "$requirements" "$venv/.installed-$requirements"; }

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

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
        Install one and run again, or name it: make PYTHON=/path/to/python3.11 ..."
}

# Debian keeps venv and ensurepip in a package of their own.
ensure_venv_module() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python3-venv
    [ "$(command -v "$python")" = "/usr/bin/python$version" ] && package="python$version-venv"
    if ! command -v apt-get >/dev/null; then
        fail "$python has no venv module: install it with your system's package manager."
    fi
    if [ "$(id -u)" != 0 ]; then
        fail "$python has no venv module. Run: sudo apt-get install --no-install-recommends $package"
    fi
    echo "Installing $package ..."
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    if ! { apt-get update && apt-get install -y --no-install-recommends "$package"; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "apt-get install $package failed (all of its output: $log)."
    fi
    rm -f "$log"
}

create() {
    find_python
    ensure_venv_module
    echo "Creating $venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv"
}

installed && exit 0

# One at a time: `make test` beside `make up` must not install into the same environment at once.
if command -v flock >/dev/null && [ -z "${POLDER_VENV_LOCKED:-}" ]; then
    POLDER_VENV_LOCKED=1 exec flock Makefile sh "$0" "$requirements"
fi

"$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || create
echo "Installing $requirements into $venv ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements" \
    || fail "pip could not install $requirements (see above)."
for file in $covers; do cp "$file" "$venv/.installed-$file"; done
