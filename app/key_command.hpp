// `countersign key …`: makes, lists and revokes service keys, beside a running server or without.
#pragma once

#include "app/command_line.hpp"
#include "app/problem.hpp"
#include "app/settings.hpp"

#include <iosfwd>

namespace countersign::app {

// `call` is one of the key commands. Uses redis.url, or the managed Redis of the data directory,
// which is started for as long as it takes if no server runs it. Throws std::runtime_error, with a
// sentence for the operator, if it does not start. Logs warnings and worse only.
[[nodiscard]] fallible<void> run_key_command(const invocation& call, const settings& all,
                                             std::ostream& out);

} // namespace countersign::app
