// What follows `countersign mail` on the command line.
#pragma once

#include "store/outbox_admin.hpp"

#include <cstdint>
#include <string>

namespace countersign::app {

enum class mail_action : std::uint8_t { status, list, show, retry, drop, test };

struct mail_options {
    mail_action what = mail_action::status;
    store::mail_filter filter; // list
    bool json = false;         // status, list, show
    std::string id;            // show, retry, drop
    bool all = false;          // retry
    bool yes = false;          // drop
    std::string address;       // test
};

} // namespace countersign::app
