#!/usr/bin/env bash
# Every invariant that docs/security/invariants.md lists has a test that carries its id.
set -euo pipefail
cd "$(dirname "$0")/../.."
missing=0
while read -r number; do
    grep -rqE "(\\b|_)T${number}(_|\\b)" tests --include='*_test.cpp' || {
        echo "no test carries T${number}"
        missing=1
    }
done < <(grep -oE '^\| T-[0-9]{2} ' docs/security/invariants.md | grep -oE '[0-9]{2}')
exit "$missing"
