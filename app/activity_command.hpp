// `countersign activity …`: an account's own security history, for its operator.
#pragma once

#include "app/command_line.hpp"
#include "app/problem.hpp"
#include "app/settings.hpp"

#include <iosfwd>

namespace countersign::app {

// The newest first. `call.account` is an account's id, or what a backend calls the account. Works
// beside a running server or without, as the key commands do. Logs warnings and worse only.
[[nodiscard]] fallible<void> run_activity_command(const invocation& call, const settings& all,
                                                  std::ostream& out);

} // namespace countersign::app
