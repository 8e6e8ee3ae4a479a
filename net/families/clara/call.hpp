// One request to the Clara family: who asks, about whom, and what is decided. The handlers are
// written in terms of it: parse, validate, decide, reply.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/text.hpp"
#include "net/families/clara/body.hpp"
#include "net/families/clara/credentials.hpp"
#include "net/families/clara/errors.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/services.hpp"
#include "store/accounts.hpp"
#include "store/event_loop.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::net::clara {

// What a route asks for before its handler runs (contract section 1.1).
enum class credential : std::uint8_t {
    none,
    password, // Basic
    key,      // public or private
    private_key,
    user, // a user token, and 403 for the private key
    user_or_key,
    user_or_private_key,
    active_user_or_private_key, // of a user whose address is proved and who has both names
};

// A committed and granted decision.
template <typename Success>
struct granted {
    Success value;
    std::unique_ptr<core::account> account;
};

class call {
public:
    call(services& services, const clara_keys& keys, std::string_view version,
         const request& request);

    // Reads the credential that `need` names. A user token's session is looked up.
    [[nodiscard]] awaitable<std::optional<error>> authenticate(credential need);

    // Whether the user may go where only those may that have enrolled the second factor that policy
    // requires. A key is nobody's session.
    [[nodiscard]] std::optional<error> check_enrolled() const;

    // What authenticate() found; each only where the route asks for it.
    [[nodiscard]] const basic_credentials& basic() const {
        return std::get<basic_credentials>(presented_);
    }
    [[nodiscard]] bool is_user() const noexcept { return own_.has_value(); }
    [[nodiscard]] const core::account& own_account() const { return *own_; }
    [[nodiscard]] const core::session_id& own_session() const { return session_; }
    // The session of the user token, or else the key's right.
    [[nodiscard]] core::requester requester() const;
    // The public key is in every client's hands.
    [[nodiscard]] core::mail_asker asker() const;

    // The account that the path names, by its id or its address. Another's than the user's own is
    // not_allowed; one that does not exist is user_not_found.
    [[nodiscard]] awaitable<outcome<core::account>> user_by_id();
    [[nodiscard]] awaitable<outcome<core::account>> user_by_address();
    // The same by its id, as a key may see it, with the version that was read.
    [[nodiscard]] awaitable<outcome<store::loaded_account>> loaded_by_id();

    // Decides on an account and commits. `own` says refusals in this route's words.
    template <typename Command>
    [[nodiscard]] awaitable<outcome<granted<success_of<Command>>>>
    decide(core::account_id id, Command command, refusal_words own = {});

    // The request's client; of the language that `?locale=` asks for, if it is one.
    [[nodiscard]] core::request_origin origin() const;
    [[nodiscard]] core::session_material make_session() const;
    // For a session that make_session() identified and a committed decision opened.
    [[nodiscard]] std::string issue_user_token(const core::account_id& account,
                                               const core::session_id& session) const;

    [[nodiscard]] services& with() const noexcept { return services_; }
    [[nodiscard]] const request& message() const noexcept { return request_; }
    [[nodiscard]] core::unix_time now() const { return services_.now(); }
    [[nodiscard]] std::string_view version() const noexcept { return version_; }
    [[nodiscard]] std::size_t code_digits() const {
        return static_cast<std::size_t>(services_.context.rules.mailed_code_digits);
    }

private:
    [[nodiscard]] awaitable<std::optional<error>> take_user_token(credential need);
    // Of an account that was there a moment ago.
    [[nodiscard]] error gone() const;

    services& services_;
    const clara_keys& keys_;
    std::string_view version_;
    const request& request_;
    presented_credential presented_;
    std::optional<core::account> own_;
    core::session_id session_;
};

template <typename Command>
awaitable<outcome<granted<success_of<Command>>>> call::decide(core::account_id id, Command command,
                                                              refusal_words own) {
    auto done = co_await transact(services_, std::move(id), std::move(command));
    if (done.has_error()) co_return from_store(done.error());
    if (!done->has_value()) co_return gone();
    auto& [result, account] = **done;
    if (result.has_error()) co_return from_refusal(result.error(), own);
    co_return granted<success_of<Command>>{std::move(*result), std::move(account)};
}

} // namespace countersign::net::clara
