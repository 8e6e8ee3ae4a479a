#include "store/reminders.hpp"

#include "store/metadata.hpp"
#include "store/scripts.hpp"

#include <charconv>
#include <utility>

namespace countersign::store {

namespace {

std::string milliseconds_text(core::unix_time time) {
    return std::to_string(time.time_since_epoch().count());
}

// A score as Redis writes a whole number.
std::optional<core::unix_time> parse_score(const std::string& text) {
    std::int64_t count = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc{} || rest != end) return std::nullopt;
    return core::unix_time(core::milliseconds(count));
}

} // namespace

std::string reminders_key(int partition) {
    return "cs:{" + std::to_string(partition) + "}:reminders";
}

awaitable<store_result<std::vector<reminder>>> reminders::due(int partition, core::unix_time now) {
    // One command for both, which RESP3 and RESP2 answer in the same form.
    std::vector<std::string> keys{reminders_key(partition)};
    std::vector<std::string> arguments{milliseconds_text(now), std::to_string(page_max)};
    const auto reply = co_await redis_.script(scripts::due_reminders(), keys, arguments);
    if (!reply) co_return reply.error();
    const auto* list = reply->list();
    if (!list || list->size() % 2 != 0) co_return store_error::corrupt;
    std::vector<reminder> found;
    for (std::size_t i = 0; i < list->size(); i += 2) {
        const auto* account = (*list)[i].text();
        const auto* score = (*list)[i + 1].text();
        const auto at = score ? parse_score(*score) : std::nullopt;
        if (!account || !at) co_return store_error::corrupt;
        found.push_back({.account = core::account_id(*account), .due = *at});
    }
    co_return found;
}

awaitable<store_result<void>> reminders::replace(reminder seen,
                                                 std::optional<core::unix_time> due) {
    std::vector<std::string> keys{reminders_key(partition_of(seen.account, partitions_))};
    std::vector<std::string> arguments{seen.account.value(), milliseconds_text(seen.due),
                                       due ? milliseconds_text(*due) : std::string()};
    const auto reply = co_await redis_.script(scripts::replace_reminder(), keys, arguments);
    if (!reply) co_return reply.error();
    co_return store_result<void>{};
}

} // namespace countersign::store
