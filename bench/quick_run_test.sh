#!/usr/bin/env bash
# A quick run gives one JSON object with the figures that others rely on.
# quick_run_test.sh <countersign_bench>
set -euo pipefail
program=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$program" --quick --scenarios verify,cluster --seconds 1 --json --results "$out" \
    >"$out/printed.json"
fail() {
    echo "quick run: $*" >&2
    head -c 2000 "$out/printed.json" >&2
    exit 1
}
holds() { jq -e "$1" "$out/printed.json" >"$out/answer" || fail "not so: $1"; }
holds '.machine.processors > 0'
holds '.verify.ratio_to_ceiling > 0 and .verify.ratio_to_ceiling < 1'
holds '.verify.rate_per_s > 0 and .verify.ceiling_per_s > .verify.rate_per_s'
holds '[.verify.rows[] | select(.kind == "totp" and .durability == "always")] | length == 1'
# Every right code was taken, every wrong one was not. One code in a million is right by chance.
holds '[.verify.rows[] | select(.good < 100 or .bad > .good / 1000)] == []'
holds '[.cluster.rows[] | [.servers, .masters]] == [[1, 1], [2, 3]]'
holds '[.cluster.rows[] | select(.good < 100 or .bad > .good / 1000 or
    .redis_cpu_us.median <= 0)] == []'
[[ -s $out/results.md && -s $out/verify_rate.svg ]] || fail "no report was written"
grep -q '^| everysec | 64 | totp |' "$out/results.md" || fail "the table lacks a row"
echo "quick run: ratio $(jq .verify.ratio_to_ceiling "$out/printed.json")"
