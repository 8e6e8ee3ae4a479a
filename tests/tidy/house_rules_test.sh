#!/usr/bin/env bash
# The test of the style test: a tree with every offence once, and next to each what is allowed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
mkdir core store notify net app docs
touch {store,notify,net,app}/README.md # and none in core
marker="TO""DO"

repeat() { printf "$1%.0s" $(seq "$2"); }

cat >core/good.hpp <<'FILE'
// Good.
#pragma once
// co_spawn(a, b, detached), system_clock::now() and RAND_bytes() in a comment
#include <boost/json/value.hpp>
auto a = at.time();
auto b = unix_time(1);
FILE
cat >net/good.cpp <<FILE
#include "core/good.hpp"
#include "store/good.hpp"
// https://example.org/$(repeat 0 100)
// $(repeat é 97)
bool detached = false;
FILE
cat >core/bad.cpp <<'FILE'
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>
#include "store/x.hpp"
auto a = std::chrono::system_clock::now();
auto b = std::time(nullptr);
auto c = time(nullptr);
RAND_bytes(p, 1);
std::random_device d;
FILE
echo '#include "net/x.hpp"' | tee store/bad.cpp >notify/bad.cpp
cat >net/bad.cpp <<FILE
#include "../notify/x.hpp"
co_spawn(a, b, asio::detached);
#include <boost/beast.hpp>
// $(repeat é 98)
FILE
echo 'struct x {};' >app/bad.hpp
printf '%s\n' 'text' "- $marker: this" "${marker}s are plural" >docs/bad.md

if "$here/house_rules.sh" "$tree" >found 2>/dev/null; then
    echo "the offences passed" >&2
    exit 1
fi
cut -d: -f1,2 found | sort >places
sort >expected <<'PLACES'
app/bad.hpp:1
app/bad.hpp:1
core/README.md:1
core/bad.cpp:1
core/bad.cpp:2
core/bad.cpp:3
core/bad.cpp:4
core/bad.cpp:5
core/bad.cpp:6
core/bad.cpp:7
core/bad.cpp:8
docs/bad.md:2
net/bad.cpp:1
net/bad.cpp:2
net/bad.cpp:3
net/bad.cpp:4
notify/bad.cpp:1
store/bad.cpp:1
PLACES
if ! diff expected places; then
    cat found >&2
    exit 1
fi

rm -r core/bad.cpp {store,notify,net}/bad.cpp app/bad.hpp docs found places expected
touch core/README.md
"$here/house_rules.sh" "$tree"
