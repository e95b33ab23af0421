#!/bin/sh
# logs.sh LOG...: follows logs, every line after the name of its process, padded to 22 characters.
tail -v -n 20 -F "$@" 2>/dev/null | sed -un '
    /^==> .* <==$/ { s|.*/||; s|\.log <==$|                      |; s|^\(.\{22\}\).*|\1|; h; d }
    /./ { G; s/^\(.*\)\n\(.*\)$/\2| \1/p }'
