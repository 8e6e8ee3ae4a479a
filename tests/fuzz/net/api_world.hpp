// What the families' handlers need to do everything that they do: a Redis of its own, a clock that
// stands still, randomness that repeats itself, and two accounts that are as they were before every
// request.
#pragma once

#include "core/account.hpp"
#include "net/families_dispatcher.hpp"
#include "net/family.hpp"
#include "net/password_pool.hpp"
#include "net/services.hpp"
#include "store/child_process.hpp"
#include "store/event_loop.hpp"
#include "store/service_keys.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace countersign::fuzz {

// The same bytes after every restart().
class repeated_random final : public core::random_source {
public:
    void restart() { engine_.seed(1); }
    void fill(std::span<std::byte> out) override {
        for (auto& byte : out)
            byte = static_cast<std::byte>(engine_() & 0xFFU);
    }

private:
    std::mt19937_64 engine_{1};
};

class api_world {
public:
    api_world();
    ~api_world();
    api_world(const api_world&) = delete;
    api_world& operator=(const api_world&) = delete;

    // Ada has a password, both factors, a session, an API token, a pending login and step-up, a
    // code for each purpose mailed, and an enrolment begun. The other is a backend's subject,
    // `user-1`.
    void begin_anew();
    [[nodiscard]] const core::account& ada() const noexcept { return ada_; }
    [[nodiscard]] const core::account& subject() const noexcept { return subject_; }
    // As it now stands; nullopt: it was deleted.
    [[nodiscard]] std::optional<core::account> load(const core::account_id& id);

    // The header fields that present a credential, a line each: see fuzz/net/api_families.cpp.
    [[nodiscard]] std::string credential(char which);
    // `text` with what only a server can make in the place of {totp}, {setup}, {verify}, {reset},
    // {id} and {device}.
    [[nodiscard]] std::string filled_in(std::string_view text) const;

    [[nodiscard]] net::dispatcher& dispatcher() noexcept { return *dispatcher_; }

    // Runs it to its end.
    template <typename T>
    T run(awaitable<T> work) {
        std::optional<T> value;
        std::exception_ptr failure;
        bool done = false;
        boost::asio::co_spawn(context_, std::move(work), [&](std::exception_ptr thrown, T result) {
            failure = std::move(thrown);
            if (!failure) value.emplace(std::move(result));
            done = true;
        });
        context_.restart();
        while (!done)
            context_.run_one();
        if (failure) std::rethrow_exception(failure);
        return *std::move(value);
    }

    static constexpr core::unix_time now{core::seconds{1'800'000'015}}; // the middle of a step
    static constexpr std::string_view password = "Correct-Horse-7";
    static constexpr std::string_view mailed_code = "123456";

private:
    void make_accounts();
    void store_accounts();
    [[nodiscard]] store::reply_value command(std::vector<std::string> words);
    [[nodiscard]] std::string token(core::token_kind kind, core::token_claims claims) const;

    boost::asio::io_context context_;
    std::filesystem::path directory_;
    store::child_process server_;
    repeated_random random_;
    core::policy rules_;
    core::key_ring keys_;
    core::code_hasher codes_;
    core::token_service tokens_;
    std::shared_ptr<const core::password_hasher> hasher_;
    net::password_pool passwords_;
    net::thread_counters counters_;
    core::secret_string private_key_;
    store::connection redis_;
    store::accounts accounts_;
    store::email_index emails_;
    store::rate_limits limits_;
    store::service_keys service_keys_;
    std::optional<net::services> services_;
    std::unique_ptr<net::dispatcher> dispatcher_;
    core::account ada_, subject_;
    std::string totp_secret_, api_token_;
    std::vector<std::string> restoring_; // the command that makes the store what it was
};

} // namespace countersign::fuzz
