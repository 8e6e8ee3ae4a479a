// What a Redis Cluster says of where its keys are, and what of it follows from a key alone: slots,
// the slot map, redirections (its specification, "Key distribution model" and "Redirection and
// resharding"). No I/O.
#pragma once

#include "store/connection.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

inline constexpr int cluster_slot_count = 16384;

// CRC16 (XMODEM) of the key, or of its hash tag if it has one, modulo the number of slots.
[[nodiscard]] int cluster_slot_of(std::string_view key) noexcept;

// The first key that a command names; nullopt: none. Not for scripts. Knows the commands that are
// used here: of one that it does not know, the first argument is taken for a key.
[[nodiscard]] std::optional<std::string_view> first_key_of(std::span<const std::string> words);

struct slot_range {
    int first = 0, last = 0;
    redis_endpoint master;
};
// The answer of CLUSTER SLOTS. A master that has no address of its own has the host that was asked.
// Nullopt: not the shape that Redis documents.
[[nodiscard]] std::optional<std::vector<slot_range>> read_slot_map(const reply_value& reply,
                                                                   const std::string& asked_host);

// "MOVED <slot> <host>:<port>" or "ASK …".
struct redirection {
    bool for_once = false; // ASK: the map stays as it is
    int slot = 0;
    redis_endpoint to;
};
// Nullopt: another error. No host: the one that was asked.
[[nodiscard]] std::optional<redirection> read_redirection(std::string_view error,
                                                          const std::string& asked_host);

// What a node says of itself in CLUSTER NODES.
struct own_slots {
    std::string text; // as Redis writes them, e.g. "0-5460 5462"
    int count = 0;
    bool on_the_move = false; // some are being moved here or away
};
[[nodiscard]] std::optional<own_slots> read_own_slots(std::string_view cluster_nodes);

} // namespace countersign::store
