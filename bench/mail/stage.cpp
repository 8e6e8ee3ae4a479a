#include "bench/mail/stage.hpp"

#include "tests/support/steady_load.hpp"

#include <stdexcept>

namespace countersign::bench {

namespace {

constexpr double creations_per_s = 4'000;
constexpr std::size_t connections = 64;

} // namespace

std::vector<std::string> notify_command(const std::filesystem::path& program,
                                        const tests::server_process& server,
                                        const std::string& mail_url, int workers) {
    return {program.string(),
            "notify",
            "--data_dir=" + (server.data_dir() / "data").string(),
            "--mail.url=" + mail_url,
            "--mail.workers=" + std::to_string(workers),
            "--log.level=warn"};
}

subjects::subjects(const std::filesystem::path& program, const tests::server_process& server,
                   std::size_t count)
    : key_(tests::make_service_key(program, server, "manage").key), on_(count, false) {
    std::vector<std::string> requests;
    for (std::size_t index = 0; index < count; ++index) {
        names_.push_back("bench-" + std::to_string(index));
        requests.push_back(put(index, false));
    }
    const auto made = tests::run_steady_load(
        {.port = server.port(), .per_second = creations_per_s, .connections = connections},
        requests);
    for (const auto& one : made)
        if (one.status != 201)
            throw std::runtime_error("a subject was answered with " + std::to_string(one.status));
}

std::string subjects::put(std::size_t subject, bool email_factor) const {
    const auto body = R"({"email":")" + tests::address_of(names_[subject]) + R"(","emailFactor":)" +
                      (email_factor ? "true" : "false") +
                      R"(,"ip":"203.0.113.7","userAgent":"Firefox 120 on Linux"})";
    return "PUT " + tests::service_client::path_of(names_[subject]) +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
           "Authorization: Bearer " +
           key_ + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::vector<std::string> subjects::changes(std::size_t count) {
    std::vector<std::string> requests;
    requests.reserve(count);
    first_of_last_ = next_;
    for (std::size_t index = 0; index < count; ++index) {
        on_[next_] = !on_[next_];
        requests.push_back(put(next_, on_[next_]));
        next_ = (next_ + 1) % names_.size();
    }
    return requests;
}

std::string subjects::recipient_of(std::size_t index) const {
    return tests::address_of(names_[(first_of_last_ + index) % names_.size()]);
}

} // namespace countersign::bench
