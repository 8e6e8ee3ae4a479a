#!/usr/bin/env bash
# How many instructions a verification takes, in whole and by its pure steps, and whether that is
# what bench/micro/instructions.json says: exit code 1 where something is more than 5 % above it.
# Instructions do not depend on what else the machine does.
#   bench/micro/count_instructions.sh [--record] [PROGRAM]
# PROGRAM is build/release/verify_instructions by default. --record writes what is counted into
# instructions.json: after an improvement, or where more work is wanted and the commit says why.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
recorded=$here/instructions.json
bound_percent=5

record=0
if [[ ${1:-} == --record ]]; then
    record=1
    shift
fi
program=${1:-$here/../../build/release/verify_instructions}
[[ -x $program && $# -le 1 ]] || {
    sed -n '5,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    echo "count_instructions: build it with: cmake --build --preset release --target" \
        "verify_instructions" >&2
    exit 2
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Without the string instructions that some processors fill and copy with, and that count a step for
# each byte. What callgrind says of itself goes to the log.
never=1073741824
GLIBC_TUNABLES=glibc.cpu.x86_rep_stosb_threshold=$never:glibc.cpu.x86_rep_movsb_threshold=$never \
    valgrind --tool=callgrind --collect-atstart=no --combine-dumps=yes \
    --callgrind-out-file="$scratch/counts" --log-file="$scratch/log" "$program" \
    >"$scratch/out" || {
    cat "$scratch/log" "$scratch/out" >&2
    exit 2
}
read -r batch compiler < <(tail -n 1 "$scratch/out")

# Each part's name and its least count, in instructions of one run of it.
awk -v batch="$batch" '
    /^desc: Trigger: Client Request: / { name = $5 }
    /^totals: / && name != "" {
        if (!(name in least) || $2 < least[name]) least[name] = $2
        name = ""
    }
    END { for (part in least) printf "%s %.0f\n", part, least[part] / batch }' \
    "$scratch/counts" | sort >"$scratch/counted"
[[ -s $scratch/counted ]] || { echo "count_instructions: callgrind counted nothing" >&2; exit 2; }

if ((record)); then
    jq -Rn --arg compiler "$compiler" --arg valgrind "$(valgrind --version)" \
        '{compiler: $compiler, valgrind: $valgrind,
          instructions: [inputs / " " | {(.[0]): (.[1] | tonumber)}] | add}' \
        "$scratch/counted" >"$scratch/json"
    cat "$scratch/json" >"$recorded"
    cat "$recorded"
    echo "count_instructions: recorded in bench/micro/instructions.json"
    exit 0
fi

jq -r '.instructions | to_entries[] | "\(.key) \(.value)"' "$recorded" | sort >"$scratch/recorded"
counted_with=$(jq -r .compiler "$recorded")
printf '%-16s %12s %12s %9s\n' part now recorded change
join -a 1 -a 2 -e 0 -o 0,1.2,2.2 "$scratch/counted" "$scratch/recorded" |
    awk -v bound=$bound_percent '
    {
        change = $3 ? ($2 - $3) * 100 / $3 : 100
        printf "%-16s %12d %12d %+8.1f%%\n", $1, $2, $3, change
        if (change > bound) above = above " " $1
        if (change < -bound) below = below " " $1
    }
    END {
        if (below)
            printf "count_instructions: at least %d %% below what is recorded:%s. Keep that: " \
                "bench/micro/count_instructions.sh --record\n", bound, below
        if (above)
            printf "count_instructions: FAILED: more than %d %% above what is recorded:%s. If it " \
                "must be so: bench/micro/count_instructions.sh --record\n", bound, above
        exit above != ""
    }' || {
    [[ $compiler == "$counted_with" ]] ||
        echo "count_instructions: the numbers are of another compiler: $counted_with, not $compiler"
    exit 1
}
