#!/usr/bin/env bash
# Has every event in every language, with hostile values, read by npm's mailparser.
# Usage: read_mails.sh WRITE_MAILS, the program that writes them
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=$(cd "$here/../../.." && pwd)/build/mail-reader/node_modules
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -d "$packages/mailparser" ] || {
    echo "$packages/mailparser is missing: run scripts/bootstrap" >&2
    exit 1
}
cmp -s "$here/package-lock.json" "$packages/../package-lock.json" || {
    echo "$packages is not what package-lock.json names: run scripts/bootstrap" >&2
    exit 1
}
"$1" "$work"
NODE_PATH=$packages node "$here/read_mails.js" "$work"
