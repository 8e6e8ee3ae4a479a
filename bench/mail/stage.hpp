// What the mail benchmark measures: `countersign notify` beside a server that sends nothing, and
// subjects whose changes are mailed about.
#pragma once

#include "tests/support/server_process.hpp"
#include "tests/support/service_client.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace countersign::bench {

// `countersign notify` with the server's data.
[[nodiscard]] std::vector<std::string> notify_command(const std::filesystem::path& program,
                                                      const tests::server_process& server,
                                                      const std::string& mail_url, int workers);

// Subjects of the service API. Switching the e-mail factor of one is a change, with one alert.
class subjects {
public:
    subjects(const std::filesystem::path& program, const tests::server_process& server,
             std::size_t count);

    // One change for each of `count` subjects, in turn.
    [[nodiscard]] std::vector<std::string> changes(std::size_t count);
    // The address of the subject that change number `index` of the last changes() was about.
    [[nodiscard]] std::string recipient_of(std::size_t index) const;

private:
    [[nodiscard]] std::string put(std::size_t subject, bool email_factor) const;

    std::string key_;
    std::vector<std::string> names_;
    std::vector<bool> on_;
    std::size_t next_ = 0, first_of_last_ = 0;
};

} // namespace countersign::bench
