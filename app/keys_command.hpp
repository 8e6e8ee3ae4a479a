// `countersign keys …`: shows and replaces the server's own keys, beside running servers or
// without.
#pragma once

#include "app/keys_options.hpp"
#include "app/problem.hpp"
#include "app/settings.hpp"

#include <iosfwd>

namespace countersign::app {

// Uses redis.url, or the managed Redis of the data directory, which is started for as long as it
// takes if no server runs it. Throws std::runtime_error, with a sentence for the operator, if it
// does not start. Logs warnings and worse only. One at a time changes keys.json.
[[nodiscard]] fallible<void> run_keys_command(const keys_options& options, const settings& all,
                                              std::ostream& out);

// How long tokens of that kind live at the most.
[[nodiscard]] core::seconds life_of(core::token_kind kind, const core::policy& rules);

} // namespace countersign::app
