# Becomes the command that it is given, with the variables that `secrets` drew for this container.
set -a
. /secrets/env
set +a
exec "$@"
