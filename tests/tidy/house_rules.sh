#!/usr/bin/env bash
# The house style as a test: each finding names file:line and the rule it breaks.
# house_rules.sh [tree], by default the tree it stands in.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "${1:-$here/../..}" && pwd)
source "$here/../../scripts/common.sh"
root=$tree
cd "$root"
export LC_ALL=C.UTF-8 # columns are characters

mapfile -t all < <(project_files '*')
mapfile -t headers < <(project_files '*.hpp')
mapfile -t cpp < <(project_files '*.hpp' '*.cpp')
mapfile -t source < <(project_files '*.hpp' '*.cpp' '*.lua' '*.sh' 'scripts/*' '.ci/*' | sort -u)
((${#cpp[@]} > 0)) || { echo "house rules: no source files below $root" >&2; exit 1; }

findings() {
    # Markers of unfinished work. The brackets keep this line from finding itself.
    grep -nIwE 'TO[D]O|FI[X]ME|XX[X]' "${all[@]}" /dev/null |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: unfinished work is not committed: no such markers/' || true

    # A line that only an address makes long cannot be broken.
    grep -nIE '^.{101,}$' "${source[@]}" /dev/null | grep -v '[a-z]://' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: a line is at most 100 columns/' || true

    awk '
    function finding(rule) { printf "%s:%d: %s\n", FILENAME, FNR, rule }
    BEGIN {
        # Who may not include whom: the folders below each are absent from its list.
        above["core"] = "store|notify|net|app"
        above["store"] = "notify|net|app"
        above["notify"] = "net|app"
        above["net"] = "notify|app"
    }
    FNR == 1 { folder = FILENAME; sub("/.*", "", folder) }
    { code = $0; sub("//.*", "", code) }

    $1 == "#include" || /^[ \t]*#[ \t]*include/ {
        header = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*["<]/, "", header)
        sub(/[">].*/, "", header)
        if (folder in above && header ~ "^(\\.\\./)*(" above[folder] ")/")
            finding(folder " does not include " header ": dependence goes one way")
        if (header ~ "^boost/(asio|beast|json|redis)\\.hpp")
            finding("narrow includes: never <boost/asio.hpp>, <boost/beast.hpp> and the like")
        if (folder == "core" && header ~ "^(boost/(asio|beast|redis)|spdlog)[/.]")
            finding("core is pure: no Asio, Beast, Redis or logging")
    }

    folder == "core" && (code ~ /_clock::now|clock_gettime|gettimeofday/ ||
                         code ~ /(^|[^A-Za-z0-9_.>])time[ ]*\(/) {
        finding("core reads no clock: time comes in as now")
    }
    folder == "core" && code ~ /(RAND_(priv_)?bytes|random_device|mt19937|std::rand\()/ {
        finding("core draws no random bytes: a random_source comes in")
    }
    code ~ /(^|[^A-Za-z0-9_])detached([^A-Za-z0-9_]|$)/ && code ~ /asio|co_spawn|[(,][ ]*detached/ {
        finding("detached drops exceptions: spawn into a task group")
    }
    ' "${cpp[@]}"

    ((${#headers[@]} == 0)) || awk '
    function close_file() {
        if (file == "") return
        if (!once) printf "%s:1: a header has #pragma once\n", file
        if (!opening) printf "%s:1: a header opens with a comment on what it is for\n", file
    }
    FNR == 1 { close_file(); file = FILENAME; once = opening = begun = 0 }
    /^#pragma once/ { once = 1; next }
    !begun && NF { begun = 1; opening = /^(\/\/|\/\*)/ }
    END { close_file() }
    ' "${headers[@]}"

    local folder
    for folder in core app net store notify bench tests; do
        [[ ! -d $folder || -f $folder/README.md ]] ||
            echo "$folder/README.md:1: every folder says what lives in it and what must never"
    done
}

found=$(findings)
if [[ -n $found ]]; then
    echo "$found"
    echo "house rules: $(wc -l <<<"$found") findings" >&2
    exit 1
fi
echo "house rules: ${#all[@]} files keep them"
