// Events as they stand in the outbox: what is read is written to what reads back the same.
#include "core/event.hpp"
#include "tests/fuzz/target.hpp"

namespace countersign::fuzz {
namespace {

void event_json(std::string_view input) {
    auto read = core::event_from_json(input);
    if (read.has_error()) return;
    // Written as if there were none: no code dies with the epoch.
    if (read->expires_at == core::unix_time()) read->expires_at.reset();
    require(!read->id.empty() && !read->account.empty(), "an event is somebody's");
    (void)core::lane_of(read->type);
    const auto text = core::to_json(*read);
    require(text.find('\n') == std::string::npos, "an event is one line");
    const auto again = core::event_from_json(text);
    require(again.has_value() && *again == *read, "an event reads back as it was");
}

const registration here("event_json", event_json);

} // namespace
} // namespace countersign::fuzz
