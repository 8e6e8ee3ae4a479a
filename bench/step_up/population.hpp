// Accounts for a benchmark, written straight into a running server's data, and the requests that
// step them up.
#pragma once

#include "core/types.hpp"
#include "store/connection.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace countersign::bench {

class population {
public:
    // Writes `count` accounts, each with a TOTP device, a session and one pending step-up for each
    // of `rounds`. `audience` is the server's app.base_uri.
    population(const std::filesystem::path& data_dir, const std::string& audience,
               std::size_t count, int rounds);
    ~population();
    population(const population&) = delete;
    population& operator=(const population&) = delete;

    // One right step-up for each account. Rounds are asked for in order and at most three within
    // one TOTP period: each uses the next step that the window allows.
    [[nodiscard]] std::vector<std::string> step_ups(int round);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::bench
