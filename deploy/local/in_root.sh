#!/bin/sh
# in_root.sh ROOT FOLDER COMMAND...: becomes the command in another root directory, where FOLDER has the same path as
# outside. Needs root. The mounts end with the process.
[ "${1-}" = --inside ] || exec unshare --mount -- sh -e "$0" --inside "$@"
root=$2 folder=$3
shift 3
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root$folder"
mount --bind "$folder" "$root$folder"
exec chroot "$root" "$@"
