// What `countersign mail status`, `list` and `show` print: tables for people, JSON for machines.
// Values that a stranger chose cannot move the terminal's cursor; a code or link is never among
// them.
#pragma once

#include "core/types.hpp"
#include "store/accounts.hpp"
#include "store/outbox_admin.hpp"

#include <boost/json/object.hpp>

#include <iosfwd>
#include <string>
#include <string_view>

namespace countersign::app {

// a•••@example.org
[[nodiscard]] std::string masked(std::string_view address);
// The largest unit alone: 45s, 12m, 3h, 2d.
[[nodiscard]] std::string short_duration(core::milliseconds length);
// For people: id, event and lane.
[[nodiscard]] std::string title_of(const store::kept_mail& mail);

// `limits` and `partitions` tell how full the fullest partition is.
struct status_report {
    store::outbox_status status;
    store::outbox_limits limits;
    int partitions = 1;
};
void print_status(std::ostream& out, const status_report& report, core::unix_time now);
[[nodiscard]] boost::json::object to_json(const status_report& report);

void print_list(std::ostream& out, const store::mail_list& list, core::unix_time now);
[[nodiscard]] boost::json::object to_json(const store::mail_list& list);

// With the recipients in full.
void print_mail(std::ostream& out, const store::kept_mail& mail);
[[nodiscard]] boost::json::object to_json(const store::kept_mail& mail);

} // namespace countersign::app
