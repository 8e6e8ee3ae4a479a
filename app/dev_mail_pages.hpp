// /dev/mail: the mails of a server that has no relay, for developers. Served on loopback only.
#pragma once

#include "app/settings.hpp"
#include "net/families_dispatcher.hpp"

#include <vector>

namespace countersign::app {

// No pages if mail.url is set or the server listens beyond loopback: mails hold codes. A proxy on
// the same machine would make them public, so what has come through one is refused, and so is a
// page of a browser's that calls this machine by another name.
[[nodiscard]] std::vector<net::page> dev_mail_pages(const settings& all);

} // namespace countersign::app
