// One request to the native family: its credentials, its words, and its replies. The handlers are
// written in terms of it: parse, validate, decide, reply.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/decide/login.hpp"
#include "core/decide/registration.hpp"
#include "net/families/singularity/errors.hpp"
#include "net/json_body.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::net::singularity {

// What a route asks for before its handler runs (contract sections 3.1, 3.3 and 3.4).
enum class credential : std::uint8_t {
    none,
    guest,           // none, and 304 for who is logged in already
    access_optional, // looked at if present and good
    any_token,       // access or two-factor, or none; a bad access token is refused
    access,
    access_and_step_up,
    two_factor,            // a pending login
    two_factor_guest,      // the same, and 304 for who is logged in already
    two_factor_and_access, // a pending step-up, both of one user
    access_or_two_factor,
    refresh,
};

// Whether what the credential stands on is a session, if not on a session alone.
[[nodiscard]] bool is_opened_by_session(credential need);

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
    call(services& services, const request& request);

    // Reads the credentials that `need` names. What they say about sessions is core's to check.
    [[nodiscard]] std::optional<error> authenticate(credential need);

    // The claims of the token that authenticate() asked for; the step-up token as it came.
    [[nodiscard]] const core::token_claims& access() const { return *access_; }
    [[nodiscard]] const core::token_claims& two_factor() const { return *two_factor_; }
    [[nodiscard]] const core::token_claims& refresh() const { return *refresh_; }
    [[nodiscard]] bool has_access() const noexcept { return access_.has_value(); }
    [[nodiscard]] bool has_two_factor() const noexcept { return two_factor_.has_value(); }
    [[nodiscard]] core::session_proof proof() const;
    // The account of the token that opens the route may go where only those may that have enrolled
    // the second factor that policy requires. What else is wrong with it is the handler's to say.
    [[nodiscard]] awaitable<std::optional<error>> check_enrolled();
    // Whether the access token, if there is one, is good and its session stands.
    [[nodiscard]] awaitable<outcome<bool>> is_authenticated();

    // Decides on an account and commits. `own` says refusals in this route's words; `missing` is
    // the answer where the account does not exist.
    template <typename Command>
    [[nodiscard]] awaitable<outcome<granted<success_of<Command>>>>
    decide(core::account_id id, Command command, refusal_words own = {},
           error_code missing = error_code::user_not_found);
    [[nodiscard]] awaitable<outcome<core::account>>
    load(core::account_id id, error_code missing = error_code::user_not_found);

    // The answer where the account is gone: a step-up that the route asks for and that is not good
    // comes first (contract section 3.5).
    [[nodiscard]] error no_account(error_code missing) const;

    // The request's locale (contract section 3.8); reject() first if it is malformed.
    [[nodiscard]] outcome<std::string> locale() const;
    // `session` of the body, if any, says more of the client than its headers.
    [[nodiscard]] core::request_origin origin(std::string locale, json_body* body = nullptr) const;

    // A second-factor code for a mail, of the challenge if there is one, and a link token for one.
    [[nodiscard]] core::sealed_code make_mail_code(const core::account_id& account,
                                                   const core::challenge_id& made_for = {}) const;
    [[nodiscard]] core::sealed_code make_link(const core::account_id& account,
                                              core::code_purpose purpose) const;
    [[nodiscard]] std::string issue(core::token_kind kind, core::token_claims claims,
                                    core::seconds life) const;
    [[nodiscard]] boost::system::result<core::token_claims, core::token_error>
    verify_query_token(core::token_kind kind) const;

    [[nodiscard]] static reply ok(const boost::json::object& body);
    [[nodiscard]] reply refuse(const error& why) const;
    [[nodiscard]] reply refuse_request(std::string message) const;
    void set_cookie(reply& out, std::string_view name, std::string_view value,
                    core::seconds life) const;
    void clear_cookie(reply& out, std::string_view name) const { set_cookie(out, name, {}, {}); }

    [[nodiscard]] services& with() const noexcept { return services_; }
    [[nodiscard]] const request& message() const noexcept { return request_; }
    [[nodiscard]] core::unix_time now() const { return services_.now(); }
    [[nodiscard]] const core::token_lives& lives() const { return services_.context.rules.tokens; }
    [[nodiscard]] std::size_t mailed_code_digits() const {
        return static_cast<std::size_t>(services_.context.rules.mailed_code_digits);
    }

private:
    // The header wins over the cookie (contract section 3.1).
    [[nodiscard]] std::string_view bearer() const;
    [[nodiscard]] std::string_view presented(std::string_view header,
                                             std::string_view cookie) const;
    [[nodiscard]] std::optional<error> take(std::optional<core::token_claims>& claims,
                                            core::token_kind kind, token_name name,
                                            std::string_view text);
    [[nodiscard]] std::optional<error> take_access();
    [[nodiscard]] std::optional<error> take_two_factor();

    services& services_;
    const request& request_;
    credential needs_ = credential::none;
    std::optional<core::token_claims> access_, two_factor_, refresh_;
    boost::system::result<core::token_claims, core::token_error> step_up_ =
        core::token_error::missing;
};

template <typename Command>
awaitable<outcome<granted<success_of<Command>>>>
call::decide(core::account_id id, Command command, refusal_words own, error_code missing) {
    auto done = co_await transact(services_, std::move(id), std::move(command));
    if (done.has_error()) co_return from_store(done.error());
    if (!done->has_value()) co_return no_account(missing);
    auto& [result, account] = **done;
    if (result.has_error()) co_return from_refusal(result.error(), own);
    co_return granted<success_of<Command>>{std::move(*result), std::move(account)};
}

} // namespace countersign::net::singularity
