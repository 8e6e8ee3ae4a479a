#!/usr/bin/env bash
# Holds docs/security/conformance.md and threat-model.md against what they name between backticks:
# tests exist in tests/, settings in docs/configuration.md, files in the tree. Every row of the
# conformance tables has one of the four verdicts, a met one names a test or another row, and a
# switch a setting.
set -euo pipefail
cd "$(dirname "$0")/../.."
conformance=docs/security/conformance.md
documents=("$conformance" docs/security/threat-model.md)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0
complain() {
    echo "$1"
    wrong=1
}

# Suite.Name of every googletest, also where the macro takes two lines, and the tests that are
# scripts.
{
    find tests -name '*.cpp' -exec cat {} + | tr '\n' ' ' |
        grep -oE '\bTEST(_F|_P)?\( *[A-Za-z0-9_]+, *[A-Za-z0-9_]+ *\)' |
        sed -E 's/.*\( *([A-Za-z0-9_]+), *([A-Za-z0-9_]+) *\)/\1.\2/'
    grep -oE 'add_test\(NAME [A-Za-z.]+' tests/CMakeLists.txt | sed 's/.* //'
} | sort -u >"$work/tests"
grep -oE '^\| `[a-z][a-z0-9_.]*` \|' docs/configuration.md | tr -d '|` ' | sort -u >"$work/settings"

for document in "${documents[@]}"; do
    # Between backticks, without fenced blocks; of `setting = value` the setting.
    awk '/^```/ { fenced = !fenced; next } !fenced' "$document" | grep -oE '`[^`]+`' | tr -d '`' |
        sort -u >"$work/named"
    tests=$(grep -E '^[A-Z][A-Za-z0-9]+\.[A-Z][A-Za-z0-9_]+$' "$work/named" || true)
    settings=$(grep -E '^[a-z]+([._][a-z_]+)+( = .*)?$' "$work/named" | sed 's/ =.*//' |
        grep -vE '\.(json|cpp|hpp|md|lua|sh)$|^slugbase\.' || true)
    files=$(grep -E '^(app|core|docs|net|notify|scripts|store|tests)/[^ ]*$' "$work/named" || true)
    [ -n "$tests" ] && [ -n "$settings" ] || complain "$document names no tests or no settings"
    while read -r name; do
        grep -qxF "$name" "$work/tests" || complain "$document: there is no test $name"
    done <<<"$tests"
    while read -r name; do
        grep -qxF "$name" "$work/settings" || complain "$document: there is no setting $name"
    done <<<"$settings"
    while read -r name; do
        [ -z "$name" ] || [ -e "$name" ] || complain "$document: there is no $name"
    done <<<"$files"
done

# The file at the end is settings too.
while read -r name; do
    grep -qxF "$name" "$work/settings" || complain "$conformance: there is no setting $name"
done < <(awk '/^```toml$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$conformance" |
    grep -oE '^[a-z_.]+')

# The table of verdicts itself stands before the first heading of a section.
while IFS= read -r row; do
    verdicts=$({ grep -oE '\*\*(met|switch|not met|not applicable)\*\*' <<<"$row" || true; } |
        wc -l)
    [ "$verdicts" -eq 1 ] || complain "$conformance: not one verdict in: ${row:0:80}"
    case $row in
    *'| **met** |'*)
        grep -qE '`[A-Z][A-Za-z0-9]+\.[A-Z][A-Za-z0-9_]+`|\| as (NIST|ASVS|at) ' <<<"$row" ||
            complain "$conformance: met, but by no test: ${row:0:80}"
        ;;
    *'| **switch** |'*)
        grep -qE '`[a-z]+([._][a-z_]+)+( = .*)?`' <<<"$row" ||
            complain "$conformance: a switch without a setting: ${row:0:80}"
        ;;
    esac
done < <(awk '/^## / { below = 1 } below && /^\|/ && !/^\|[-|]+\|$/ && !/ \| verdict \| /' \
    "$conformance")
exit "$wrong"
