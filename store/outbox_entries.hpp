// The outbox as it stands in Redis: its keys, and its entries as commands answer with them.
#pragma once

#include "store/outbox.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

// In the order in which they are mailed.
inline constexpr std::array outbox_lanes{core::mail_lane::code, core::mail_lane::alert};

[[nodiscard]] std::string_view name_of(core::mail_lane lane) noexcept;

[[nodiscard]] std::string stream_key(int partition, core::mail_lane lane);
[[nodiscard]] std::vector<std::string> stream_keys(int partition); // of each lane, in their order
[[nodiscard]] std::string dead_key(int partition, core::mail_lane lane);
[[nodiscard]] std::string retry_key(int partition);

// Recipients as they stand in an entry: a JSON array, or nothing for all of the event's.
[[nodiscard]] std::string recipients_text(const std::vector<std::string>& recipients);

using entries_result = store_result<std::vector<outbox_entry>>;

// A list of entries, as XAUTOCLAIM has it. An entry that was deleted while somebody had it is there
// without a payload. `corrupt`: not the shape that Redis documents.
[[nodiscard]] entries_result parse_entries(int partition, core::mail_lane lane,
                                           const reply_value& reply);
// XREADGROUP's answer: nil if there was nothing, else stream, entries, stream, entries, …
[[nodiscard]] entries_result parse_streams(const reply_value& reply);

} // namespace countersign::store
