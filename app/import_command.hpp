// `countersign import FILE`: brings the users of another system in, beside a running server or
// without.
#pragma once

#include "app/command_line.hpp"
#include "app/problem.hpp"
#include "app/settings.hpp"

#include <iosfwd>

namespace countersign::app {

// Prints a line for each record that was not imported to `out`, and a summary at the end; shows how
// far it is on the standard error if that is a terminal. SIGINT, SIGTERM and SIGHUP end it after
// the records in hand. An error: the file or Redis gave up, it was ended, or records were rejected;
// what was imported stays, and running it again is harmless.
[[nodiscard]] fallible<void> run_import_command(const invocation& call, const settings& all,
                                                std::ostream& out);

} // namespace countersign::app
