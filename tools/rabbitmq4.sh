#!/bin/sh
# Makes a root directory of Debian 13 with its RabbitMQ, once, and prints where it is: what POLDER_RABBITMQ_ROOT takes.
#
#   make test rabbitmq=4      make chaos rabbitmq=4 filter=cluster
#
# Needs root, debootstrap (installed with apt if it is missing) and the Debian mirror that this machine's apt uses.
# It lies outside the repository, in $POLDER_CACHE or ~/.cache/polder; delete it to have it made anew.
set -eu

root=${POLDER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/polder}/debian13-rabbitmq

if [ ! -e "$root/ready" ]; then
    [ "$(id -u)" = 0 ] || { echo "Only root can make (and run) a root directory of its own." >&2; exit 1; }
    {
        command -v debootstrap || { apt-get -q update && apt-get -q install -y --no-install-recommends debootstrap; }
        mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
            /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1)
        [ -n "$mirror" ] || { echo "No mirror found in /etc/apt/sources.list and sources.list.d."; exit 1; }
        rm -rf "$root" "$root.new"
        mkdir -p "$root.new"
        chmod 755 "$root.new"
        debootstrap --variant=minbase trixie "$root.new" "$mirror"
        # No server is to be started by its package, on the port that everybody else uses.
        printf '#!/bin/sh\nexit 101\n' > "$root.new/usr/sbin/policy-rc.d"
        chmod 755 "$root.new/usr/sbin/policy-rc.d"
        # How this machine's apt reaches its mirror (a proxy, a certificate) holds in there, too.
        cp /etc/apt/apt.conf.d/* "$root.new/etc/apt/apt.conf.d/"
        chroot "$root.new" apt-get -q update
        DEBIAN_FRONTEND=noninteractive chroot "$root.new" apt-get -q install -y --no-install-recommends rabbitmq-server
        printf '127.0.0.1 localhost\n' > "$root.new/etc/hosts"
        chroot "$root.new" dpkg-query -W rabbitmq-server erlang-base > "$root.new/ready"
        mv "$root.new" "$root"
    } >&2
fi
echo "$root"
