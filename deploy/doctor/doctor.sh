#!/bin/sh
# doctor.sh [OPTIONS]: runs the doctor with any Python from 3.8 on; without one, that is the first thing to mend.
set -eu
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        exec "$python" -m deploy.doctor "$@"
    fi
done
printf '  ✗ Python is missing or older than 3.8: %s  → Debian 12: apt-get install python3 python3-venv\n' "$(python3 --version 2>&1 || true)"
echo "make doctor: 1 to mend before the rest can be looked at"
exit 1
