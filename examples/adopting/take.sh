#!/bin/sh
# Copies the rooms of Polder's `common` that a project needs into it, with its contracts: sh take.sh <checkout of Polder> <project>
set -eu
polder=$1
common=$2/common
mkdir -p "$common/contracts"
for room in broker configuration outbox intake inbox pasts replication; do
    cp -r "$polder/common/$room" "$common/"
done
cp "$polder"/common/*.py "$common/"
rm "$common/settings.py"
for file in __init__ cause decode event money text upcasts; do
    cp "$polder/common/contracts/$file.py" "$common/contracts/"
done

# The contracts are the project's own; decode.py imports them, so that they are known wherever messages are read.
cp "$polder/examples/adopting/books.py" "$common/contracts/books.py"
sed -i 's/import inventory, orders, shipping /import books /' "$common/contracts/decode.py"
