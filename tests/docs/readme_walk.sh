#!/usr/bin/env bash
# Runs the README's walk through the main job against a server of its own and checks what it prints,
# so that the README cannot rot. Usage: readme_walk.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" && wait "$server" || true; fi
    rm -rf "$work"
}
trap finish EXIT

port=$((20000 + RANDOM % 12000)) # below the range of outgoing connections
"$program" serve --listen="127.0.0.1:$port" --data_dir="$work/data" 2>"$work/log" &
server=$!
for _ in $(seq 100); do
    curl -fs "http://127.0.0.1:$port/health/ready" >/dev/null 2>&1 && break
    sleep 0.1
done

awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' \
    "$root/README.md" >"$work/walk.sh"
# A TOTP period must not end between the three codes that the walk uses.
left=$((30 - $(date +%s) % 30))
[ "$left" -gt 15 ] || sleep "$left"
cd "$work"
PATH="$(dirname "$program"):$PATH" B="http://127.0.0.1:$port" bash -eu walk.sh >said 2>&1 || {
    cat "$work/said" "$work/log"
    exit 1
}

cat >"$work/expected" <<'END'
{"success":true}{
  "twoFactorMethods": [
    "totp",
    "email"
  ],
  "preferredTwoFactorMethod": "totp"
}
{
  "twoFactorMethods": [
    "totp"
  ]
}
{
  "status": 400,
  "code": "CANNOT_DISABLE_ONLY_TWO_FACTOR_METHOD"
}
Two-Factor Authentication Method Removed
{
  "secondFactor": true
}
10
{
  "verified": true,
  "method": "totp"
}
END
diff -u "$work/expected" "$work/said"
echo "the README's walk works"
