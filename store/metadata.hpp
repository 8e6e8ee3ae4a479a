// What is fixed when the data is created: the number of partitions, and a fingerprint of the keys,
// so that a server with a lost or foreign key file refuses to serve instead of locking users out.
#pragma once

#include "core/types.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"

#include <string>

namespace countersign::store {

inline constexpr int default_partitions = 16;
inline constexpr int partitions_max = 16384; // the slots of Redis Cluster

struct metadata {
    int partitions = default_partitions; // 1 to partitions_max
    // Of the peppers that data may be under, hexadecimal, the newest first, with commas between.
    std::string key_fingerprint;
};

// Reads `cs:meta`, creating it with `proposed` if the data is new. The caller compares
// fingerprints.
[[nodiscard]] awaitable<store_result<metadata>> read_or_create_metadata(connection& redis,
                                                                        metadata proposed);

// Says from now on that the data is under peppers of these fingerprints.
[[nodiscard]] awaitable<store_result<void>> write_key_fingerprint(connection& redis,
                                                                  std::string fingerprints);

// The partition of an account: FNV-1a of its id modulo the number of partitions.
[[nodiscard]] int partition_of(const core::account_id& id, int partitions) noexcept;

} // namespace countersign::store
