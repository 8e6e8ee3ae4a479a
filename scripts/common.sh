# shellcheck shell=bash
# Sourced by the scripts of this folder: they work from any directory, on the tree they stand in.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# Git on this tree, also when another user owns the checkout, as on build machines.
project_git() { git -c safe.directory="$root" "$@"; }

# The tree's own files that match the patterns given ('*' matches '/' too), one per line: what git
# tracks and what it would. An unpacked archive without git counts whole, but for the build tree.
project_files() {
    local file pattern
    if [[ -e .git ]]; then
        project_git ls-files --cached --others --exclude-standard -- "$@" | sort -u |
            while IFS= read -r file; do [[ ! -f $file ]] || printf '%s\n' "$file"; done
    else
        for pattern in "$@"; do
            find . -path ./build -prune -o -type f -path "./$pattern" -print
        done | sed 's|^\./||' | sort -u
    fi
}

# Bootstraps, and configures the preset $1 unless a finished configuration is there.
prepare() {
    scripts/bootstrap
    if [[ ! -f build/$1/build.ninja ]]; then
        echo "configuring preset $1 into build/$1"
        cmake --preset "$1"
    fi
}
