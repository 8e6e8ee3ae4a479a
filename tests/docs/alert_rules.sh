#!/usr/bin/env bash
# The alert rules of docs/operations.md as Prometheus' own promtool reads them, and what they say of
# some hours that were made up. Needs promtool (Debian's package prometheus).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '/^```yaml$/ { inside = 1; text = ""; next }
     /^```$/ { if (inside && text ~ /^groups:/) printf "%s", text; inside = 0 }
     inside { text = text $0 "\n" }' "$root/docs/operations.md" >"$work/rules.yml"
[ -s "$work/rules.yml" ] || {
    echo "docs/operations.md has no rules"
    exit 1
}
promtool check rules "$work/rules.yml"
cp "$root/tests/docs/alert_rules.yml" "$work/test.yml"
promtool test rules "$work/test.yml"
