#!/bin/sh
# packages.sh PACKAGE...: installs Debian packages, as root. None of them starts a server on the usual ports.
set -eu

# One at a time on the whole machine: `make test` starts several stacks at once, and each finds the same lacking. The
# lock goes on to apt-get and dpkg, so that it lasts as long as they do.
exec 9>/run/polder-packages.lock
flock 9

policy=/usr/sbin/policy-rc.d
mark="# Temporary, by Polder"
trap 'exit 130' INT TERM # once apt has ended by itself: what is half-installed helps nobody
if ! [ -e "$policy" ] || grep -q "^$mark" "$policy"; then # a policy of the machine's stays
    trap 'rm -f "$policy"' EXIT
    # Should the file ever stay behind, it forbids nothing once the process that wrote it is gone.
    printf '#!/bin/sh\n%s\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' "$mark" $$ >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
dpkg --configure -a # what an installation that was killed left unfinished
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
