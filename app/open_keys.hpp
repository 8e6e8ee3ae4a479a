// The server's keys together with the data that was made under them: neither is used without the
// other, so a lost or foreign key file stops the start instead of locking users out.
#pragma once

#include "app/key_file.hpp"
#include "app/problem.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"
#include "store/metadata.hpp"

#include <filesystem>

namespace countersign::app {

struct opened_keys {
    key_file keys;
    store::metadata data;
};

// Waits for Redis to answer (30 s), loads or makes the key file, makes `cs:meta` if the data is
// new, and compares fingerprints: each pepper that data may be under must be in the file. `access`
// is what a new file signs access tokens with. `redis` is started and, like `random`, outlives the
// call.
[[nodiscard]] awaitable<fallible<opened_keys>>
open_keys(std::filesystem::path data_dir, store::connection& redis, core::random_source& random,
          core::jws_algorithm access = core::jws_algorithm::hs256);

// Lets the data remember the peppers of these keys that are used, and no others. After the file
// has a new one, and before it loses an old one.
[[nodiscard]] awaitable<fallible<void>> remember_peppers(store::connection& redis,
                                                         const key_file& keys);

} // namespace countersign::app
