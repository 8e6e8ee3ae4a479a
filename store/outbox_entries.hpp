// The outbox as it stands in Redis: its keys, and its entries as commands answer with them.
#pragma once

#include "store/outbox.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

// In the order in which they are mailed.
inline constexpr std::array outbox_lanes{core::mail_lane::code, core::mail_lane::alert};

// The consumer group of every stream.
inline constexpr std::string_view outbox_group = "notifier";

[[nodiscard]] std::string_view name_of(core::mail_lane lane) noexcept;

[[nodiscard]] std::string stream_key(int partition, core::mail_lane lane);
[[nodiscard]] std::vector<std::string> stream_keys(int partition); // of each lane, in their order
[[nodiscard]] std::string dead_key(int partition, core::mail_lane lane);
[[nodiscard]] std::string retry_key(int partition);

// Recipients as they stand in an entry: a JSON array, or nothing for all of the event's.
[[nodiscard]] std::string recipients_text(const std::vector<std::string>& recipients);

using entries_result = store_result<std::vector<outbox_entry>>;

// A list of entries, as XRANGE and XREADGROUP have it. An entry that was deleted while somebody had
// it is there without a payload. `corrupt`: not the shape that Redis documents.
[[nodiscard]] entries_result parse_entries(int partition, core::mail_lane lane,
                                           const reply_value& reply);
// XREADGROUP's answer: nil if there was nothing, else stream, entries, stream, entries, …
[[nodiscard]] entries_result parse_streams(const reply_value& reply);

// A member of the retry set; nullopt: none of ours.
[[nodiscard]] std::optional<outbox_entry> parse_retry(int partition, std::string_view member);

// The answer of own_pending.lua and reclaim.lua.
struct entries_page {
    std::string cursor;
    std::vector<outbox_entry> entries;
};
[[nodiscard]] store_result<entries_page> parse_page(int partition, core::mail_lane lane,
                                                    const reply_value& reply);

} // namespace countersign::store
