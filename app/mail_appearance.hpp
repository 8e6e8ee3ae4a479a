// What `mail.templates`, `mail.accent_color` and their like make of the mails.
#pragma once

#include "app/problem.hpp"
#include "app/settings.hpp"
#include "notify/mail_theme.hpp"

namespace countersign::app {

// Reads and checks the operator's files, or takes the built-in ones. The error names the setting
// and the file. They are not read again.
[[nodiscard]] fallible<notify::mail_theme> read_mail_theme(const settings& all);

} // namespace countersign::app
