// One request to the slugbase family: its credential, its words, and its replies. The handlers are
// written in terms of it: parse, validate, decide, reply.
#pragma once

#include "core/decide/evidence.hpp"
#include "net/families/slugbase/errors.hpp"
#include "net/json_body.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::net::slugbase {

// What a route asks for before its handler runs (contract section 2.3).
enum class credential : std::uint8_t {
    none,
    account,       // a session or an API token
    pending_login, // the password was right, the code is outstanding
};

template <typename T>
using outcome = boost::system::result<T, error>;

// A committed and granted decision.
template <typename Success>
struct granted {
    Success value;
    std::unique_ptr<core::account> account;
};

class call {
public:
    call(services& services, const request& request) : services_(services), request_(request) {}

    // Reads the credential and looks whether it still stands.
    [[nodiscard]] awaitable<std::optional<error>> authenticate(credential need);

    // Whether whoever asks may go where only those may that have enrolled the second factor that
    // policy requires.
    [[nodiscard]] std::optional<error> check_enrolled() const;

    // The account of the credential as it then stood, and who asks.
    [[nodiscard]] const core::account& account() const { return *account_; }
    [[nodiscard]] const core::requester& by() const { return by_; }
    [[nodiscard]] core::authority authority() const;
    [[nodiscard]] const core::challenge_id& pending() const { return pending_; }

    // Decides on an account and commits. `own` says refusals in this route's words; `missing` is
    // the answer where the account does not exist.
    template <typename Command>
    [[nodiscard]] awaitable<outcome<granted<success_of<Command>>>>
    decide(core::account_id id, Command command, refusal_words own = {},
           error_code missing = error_code::unauthorized);

    [[nodiscard]] core::request_origin origin() const;

    [[nodiscard]] static reply ok(const boost::json::value& body);
    [[nodiscard]] static reply refuse(const error& why) { return render(why); }
    [[nodiscard]] static reply refuse(error_code why) { return render({.code = why}); }
    // The body is not as the route's schema says.
    [[nodiscard]] static error problem_of(const json_body& body);

    [[nodiscard]] services& with() const noexcept { return services_; }
    [[nodiscard]] const request& message() const noexcept { return request_; }
    [[nodiscard]] core::unix_time now() const { return services_.now(); }
    [[nodiscard]] const core::token_lives& lives() const { return services_.context.rules.tokens; }

private:
    [[nodiscard]] bool read_credential(core::account_id& owner);
    [[nodiscard]] awaitable<std::optional<error>> load(core::account_id id, error_code missing);
    [[nodiscard]] awaitable<std::optional<error>> take_account();
    [[nodiscard]] awaitable<std::optional<error>> take_pending_login();

    services& services_;
    const request& request_;
    credential needs_ = credential::none;
    std::optional<core::account> account_;
    core::requester by_;
    core::challenge_id pending_;
};

template <typename Command>
awaitable<outcome<granted<success_of<Command>>>>
call::decide(core::account_id id, Command command, refusal_words own, error_code missing) {
    auto done = co_await transact(services_, std::move(id), std::move(command));
    if (done.has_error()) co_return from_store(done.error());
    if (!done->has_value()) co_return error{.code = missing};
    auto& [result, account] = **done;
    if (result.has_error()) co_return from_refusal(result.error(), own);
    co_return granted<success_of<Command>>{*std::move(result), std::move(account)};
}

} // namespace countersign::net::slugbase
