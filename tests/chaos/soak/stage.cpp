#include "tests/chaos/soak/stage.hpp"

#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "store/accounts.hpp"
#include "store/managed_redis.hpp"
#include "store/metadata.hpp"
#include "store/outbox.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/program_run.hpp"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace countersign::tests {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds ready_patience{30};
constexpr int pause_max_ms = 200; // between two starts

server_settings settings_for(const mailroom& mails, const redis_server* separate) {
    server_settings settings{{"api.families", "singularity,slugbase,service"},
                             {"log.level", "warn"},
                             {"mail.url", mails.of_server().url()},
                             {"policy.alerts.recovery_codes_low", "false"}, // names no change
                             {"policy.challenges_per_hour", "1000000"},
                             {"policy.challenges_per_day", "1000000"},
                             {"policy.email_factor_by_default", "false"},
                             {"policy.totp_window", "10"},
                             {"policy.mail_cooldown", "0"},
                             {"policy.mails_per_hour", "1000000"},
                             {"policy.mails_per_day", "1000000"}};
    if (separate != nullptr) settings["redis.url"] = "unix://" + separate->address().unix_socket;
    return settings;
}

} // namespace

void notifier_process::start() {
    std::vector<char*> arguments;
    for (auto& word : words_)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log_.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    const int failed = ::posix_spawn(&process_, words_.front().c_str(), &files, nullptr,
                                     arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::runtime_error("cannot start countersign notify");
}

bool notifier_process::runs() {
    if (process_ != 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) process_ = 0;
    return process_ != 0;
}

void notifier_process::end(int signal) {
    if (process_ == 0) return;
    ::kill(process_, signal);
    ::waitpid(std::exchange(process_, 0), nullptr, 0);
}

soak_stage::soak_stage(const std::filesystem::path& program, redis_kind kind) : program_(program) {
    if (kind == redis_kind::separate)
        separate_redis_ = std::make_unique<redis_server>(append_only::always);
    server_ = std::make_unique<server_process>(program, settings_for(mails, separate_redis_.get()));
    std::vector<std::string> words{program.string(), "notify",
                                   "--mail.url=" + mails.of_notifier().url(), "--log.level=warn"};
    for (auto& option : data_options())
        words.push_back(std::move(option));
    notifier_ =
        std::make_unique<notifier_process>(std::move(words), server_->data_dir() / "notify.log");
    notifier_->start();
    up_ = true;
}

soak_stage::~soak_stage() {
    notifier_.reset(); // before the data directory goes
}

std::vector<std::string> soak_stage::data_options() const {
    std::vector<std::string> options{"--data_dir=" + (server_->data_dir() / "data").string()};
    if (separate_redis_) options.push_back("--redis.url=unix://" + redis().unix_socket);
    return options;
}

std::string soak_stage::make_service_key() const {
    std::vector<std::string> words{"key", "create", "--name=soak", "--scopes=manage,verify"};
    for (auto& option : data_options())
        words.push_back(std::move(option));
    const auto made = program_run(program_, std::move(words)).wait();
    if (made.status != 0) throw std::runtime_error("no service key: " + made.errors);
    return made.out.substr(0, made.out.find('\n'));
}

store::redis_address soak_stage::redis() const {
    return separate_redis_ ? separate_redis_->address()
                           : store::managed_redis_address(server_->data_dir() / "data" / "redis");
}

void soak_stage::kill(const std::vector<victim>& whom) {
    up_ = false;
    for (const auto who : whom) {
        kill_note note{.who = who, .at = clock::now(), .back = {}};
        switch (who) {
        case victim::server:
            server_->kill();
            server_runs_ = false;
            break;
        case victim::notifier:
            notifier_->end(SIGKILL);
            break;
        case victim::redis:
            if (separate_redis_) {
                separate_redis_->kill();
                redis_runs_ = false;
                break;
            }
            if (!server_runs_) continue; // the managed one ends with its server
            try {
                ::kill(server_->redis_process(), SIGKILL);
            } catch (const std::runtime_error&) {
                continue; // it is just being started
            }
            break;
        }
        kills_.push_back(note);
    }
}

void soak_stage::restore(std::mt19937& random) {
    const auto pause = [&random] {
        std::this_thread::sleep_for(
            milliseconds(std::uniform_int_distribution(0, pause_max_ms)(random)));
    };
    pause();
    if (!redis_runs_) separate_redis_->restart();
    redis_runs_ = true;
    const bool notifier_first = random() % 2 == 0;
    if (notifier_first) mend_notifier();
    pause();
    if (!server_runs_) server_->start();
    server_runs_ = true;
    wait_until_ready();
    mend_notifier();
    const auto back = clock::now();
    for (; kills_restored_ < kills_.size(); ++kills_restored_)
        kills_[kills_restored_].back = back;
    up_ = true;
}

void soak_stage::mend_notifier() {
    if (!notifier_->runs()) notifier_->start();
}

void soak_stage::wait_until_ready() const {
    const auto deadline = clock::now() + ready_patience;
    for (;;) {
        try {
            if (http_request(port(), "GET", "/health/ready").status == 200) return;
        } catch (const std::runtime_error&) {
            // Not listening yet.
        }
        if (clock::now() > deadline) throw std::runtime_error("the server did not get ready");
        std::this_thread::sleep_for(milliseconds(10));
    }
}

std::optional<core::account> soak_stage::load(const std::string& id) const {
    app::system_random random;
    const auto read = [&](store::connection& connection)
        -> awaitable<store::store_result<std::optional<store::loaded_account>>> {
        store::accounts accounts(connection, random, store::default_partitions);
        co_return co_await accounts.load(core::account_id(id));
    };
    const auto loaded = app::run_with_redis(redis(), "soak", read);
    if (!loaded) return std::nullopt;
    if (!*loaded) throw std::runtime_error("the account " + id + " is gone");
    return (*loaded)->value;
}

std::optional<soak_stage::outbox_state> soak_stage::outbox() const {
    const auto read =
        [](store::connection& connection) -> awaitable<store::store_result<store::outbox_counts>> {
        store::outbox outbox(connection, connection, store::default_partitions, "soak");
        co_return co_await outbox.counts();
    };
    const auto counts = app::run_with_redis(redis(), "soak", read);
    if (!counts) return std::nullopt;
    return outbox_state{.waiting = counts->code_backlog + counts->alert_backlog,
                        .later = counts->due_later,
                        .dead = counts->dead};
}

void soak_stage::keep_data_in(const std::filesystem::path& directory) {
    notifier_->end(SIGTERM);
    if (server_runs_) (void)server_->stop();
    std::filesystem::create_directories(directory);
    std::filesystem::rename(server_->data_dir(), directory / "server");
    if (!separate_redis_) return;
    const std::filesystem::path files =
        std::filesystem::path(separate_redis_->address().unix_socket).parent_path();
    separate_redis_->kill();
    std::filesystem::rename(files, directory / "redis");
}

} // namespace countersign::tests
