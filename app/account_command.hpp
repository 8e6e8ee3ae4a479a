// `countersign activity …` and `countersign account …`: what is stored of one account, for an
// operator. `call.account` is an account's id, or what a backend calls the account. Both work
// beside a running server or without, as the key commands do, and log warnings and worse only.
#pragma once

#include "app/command_line.hpp"
#include "app/problem.hpp"
#include "app/settings.hpp"

#include <iosfwd>

namespace countersign::app {

// An account's own security history, the newest first.
[[nodiscard]] fallible<void> run_activity_command(const invocation& call, const settings& all,
                                                  std::ostream& out);

// The document of an account, in JSON: sealed secrets, hashes, addresses and all.
[[nodiscard]] fallible<void> run_account_command(const invocation& call, const settings& all,
                                                 std::ostream& out);

} // namespace countersign::app
