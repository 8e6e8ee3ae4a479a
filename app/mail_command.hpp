// `countersign mail …`: the outbox seen, mended and tried out by its operator (docs/outbox.md).
#pragma once

#include "app/command_line.hpp"
#include "app/problem.hpp"
#include "app/settings.hpp"

#include <iosfwd>

namespace countersign::app {

// Works beside a running server. What it prints goes to `out`; addresses are masked but in `show`
// and `test`.
[[nodiscard]] fallible<void> run_mail_command(const mail_options& options, const settings& all,
                                              std::ostream& out);

} // namespace countersign::app
