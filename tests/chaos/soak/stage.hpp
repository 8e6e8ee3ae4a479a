// What a soak kills: a server that also mails, a notifier beside it, and their Redis. The
// constructor and restore() throw std::runtime_error if something does not come up.
#pragma once

#include "core/account.hpp"
#include "tests/chaos/judge.hpp"
#include "tests/chaos/soak/mailroom.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/server_process.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <sys/types.h>
#include <vector>

namespace countersign::tests {

// `countersign notify`, which whoever runs it starts again when it ends.
class notifier_process {
public:
    notifier_process(std::vector<std::string> words, std::filesystem::path log)
        : words_(std::move(words)), log_(std::move(log)) {}
    ~notifier_process() { end(SIGKILL); }
    notifier_process(const notifier_process&) = delete;
    notifier_process& operator=(const notifier_process&) = delete;

    void start();
    [[nodiscard]] bool runs(); // false also if it has ended by itself
    void end(int signal);      // waits for it

private:
    std::vector<std::string> words_;
    std::filesystem::path log_;
    pid_t process_ = 0;
};

class soak_stage {
public:
    enum class redis_kind : std::uint8_t { managed, separate };
    soak_stage(const std::filesystem::path& program, redis_kind kind);
    ~soak_stage();
    soak_stage(const soak_stage&) = delete;
    soak_stage& operator=(const soak_stage&) = delete;

    // SIGKILL to each, in this order. A managed Redis gets a SIGTERM of the kernel where the server
    // is killed.
    void kill(const std::vector<victim>& whom);
    // All up and ready; the pauses between are drawn.
    void restore(std::mt19937& random);
    // Before a round: a notifier that found no Redis has ended.
    void mend_notifier();
    // SIGTERM, in peace.
    void stop_notifier() { notifier_->end(SIGTERM); }

    // True between restore() and the next kill().
    [[nodiscard]] bool up() const { return up_; }
    [[nodiscard]] store::redis_address redis() const;
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    // With the scopes manage and verify.
    [[nodiscard]] std::string make_service_key() const;
    [[nodiscard]] const std::vector<kill_note>& kills() const { return kills_; }
    // The account as it is stored; nullopt: Redis did not answer.
    [[nodiscard]] std::optional<core::account> load(const std::string& id) const;
    // Mails that wait, wait for another try, or are given up; nullopt: Redis did not answer.
    struct outbox_state {
        std::int64_t waiting = 0, later = 0, dead = 0;
    };
    [[nodiscard]] std::optional<outbox_state> outbox() const;

    // Ends everything, and leaves the data and the logs there.
    void keep_data_in(const std::filesystem::path& directory);

    mailroom mails;

private:
    void wait_until_ready() const;
    // The data directory and Redis, for a command beside the server.
    [[nodiscard]] std::vector<std::string> data_options() const;

    std::filesystem::path program_;
    std::unique_ptr<redis_server> separate_redis_; // none: the server manages one
    std::unique_ptr<server_process> server_;
    std::unique_ptr<notifier_process> notifier_;
    std::vector<kill_note> kills_;
    std::size_t kills_restored_ = 0;
    bool server_runs_ = true, redis_runs_ = true;
    std::atomic<bool> up_ = false;
};

} // namespace countersign::tests
