#!/usr/bin/env bash
# Serves the API document and its viewer, lints the document with the rules of linter/ruleset.yaml,
# and checks what the pages send. Usage: openapi_lint.sh PROGRAM
set -euo pipefail
program=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
lint=$root/build/linter/node_modules/.bin/spectral
work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" && wait "$server" || true; fi
    rm -rf "$work"
}
trap finish EXIT
fail() {
    echo "$*" >&2
    cat "$work/log" >&2
    exit 1
}
[ -x "$lint" ] || fail "$lint is missing: run scripts/bootstrap"

port=$((20000 + RANDOM % 12000)) # below the range of outgoing connections
base=http://127.0.0.1:$port
"$program" serve --api.families=singularity,slugbase,clara,service \
    --listen="127.0.0.1:$port" --data_dir="$work/data" --app.base_uri=https://id.example.org 2>"$work/log" &
server=$!
for _ in $(seq 100); do
    curl -fs "$base/health/ready" >/dev/null 2>&1 && break
    sleep 0.1
done

curl -fsS -D "$work/head" "$base/openapi.json" >"$work/openapi.json" || fail "no document"
[ "$(jq -r '.servers[].url' "$work/openapi.json")" = https://id.example.org ] ||
    fail "the document does not name app.base_uri"
# A schema of a family whose operation another family's stands for is a warning only.
"$lint" lint --fail-severity=error -r "$root/tests/docs/linter/ruleset.yaml" "$work/openapi.json" ||
    fail "the document breaks the rules above"

tag=$(sed -nE 's/^ETag: (.*)\r$/\1/p' "$work/head")
status=$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $tag" "$base/openapi.json")
[ "$status" = 304 ] || fail "a document that is known already was answered with $status"

# The page names nothing but what this server has, and allows nothing else.
curl -fsS -D "$work/head" "$base/docs" >"$work/page" || fail "no page"
policy=$(sed -nE 's/^Content-Security-Policy: (.*)\r$/\1/p' "$work/head")
case $policy in
"default-src 'none'; script-src 'self'; "*) ;;
*) fail "the page's policy is '$policy'" ;;
esac
! grep -E 'https?:|//' "$work/page" || fail "the page names another host"
! grep -E '<script>|<style|style=|onload' "$work/page" || fail "the page has inline code"
grep -oE '(src|href)="[^"#:]+"' "$work/page" | cut -d'"' -f2 >"$work/parts"
[ "$(wc -l <"$work/parts")" -ge 4 ] || fail "the page lacks its scripts"
while read -r part; do
    curl -fsS --compressed "$base/$part" -o "$work/part" || fail "$part cannot be had"
    [ -s "$work/part" ] || fail "$part is empty"
done <"$work/parts"
curl -fsS "$base/docs/licenses.txt" -o "$work/licenses" || fail "no licence"
grep -q 'Apache License' "$work/licenses" || fail "the licence is not the viewer's"
status=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Accept-Encoding: identity, gzip;q=0' \
    "$base/docs/swagger-ui-bundle.js")
[ "$status" = 406 ] || fail "a client that refuses gzip was answered with $status"
echo "the API document keeps the rules"
