// `countersign serve` and `countersign notify`: from settings to a running program and back.
#pragma once

#include "app/problem.hpp"
#include "app/settings.hpp"
#include "notify/mail_theme.hpp"

namespace countersign::app {

// Serves until SIGTERM or SIGINT, then drains.
[[nodiscard]] fallible<void> serve(const settings& all, notify::mail_theme theme);

// Only sends mails, beside a server that does not (mail.notifier = false), until SIGTERM or SIGINT.
[[nodiscard]] fallible<void> run_notifier(const settings& all, notify::mail_theme theme);

} // namespace countersign::app
