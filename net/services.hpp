// What a handler may use: one set per worker thread, made by app, alive as long as the thread
// serves. And the one way to change an account: transact().
#pragma once

#include "core/decide/evidence.hpp"
#include "core/decide/renewal.hpp"
#include "core/decision.hpp"
#include "core/random.hpp"
#include "core/tokens.hpp"
#include "net/counted_proofs.hpp"
#include "store/accounts.hpp"
#include "store/email_index.hpp"
#include "store/event_loop.hpp"
#include "store/rate_limits.hpp"

#include <boost/system/result.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::net {

class login_participant;
class password_pool;

struct services {
    store::connection& redis; // for what goes beyond single accounts
    store::accounts& accounts;
    store::email_index& emails;
    store::rate_limits& limits;
    core::context context;
    const core::token_service& tokens;
    password_pool& passwords;
    verification_counters& verifications;
    core::random_source& random;
    std::function<core::unix_time()> now;
    bool ip_limits = true;       // policy.ip_limits
    bool secure_cookies = false; // app.base_uri is https, or the listener TLS
    // Of every cookie's name: host_prefix (net/cookies.hpp), or none.
    std::string_view cookie_prefix{};
    std::string app_name; // the issuer that authenticator apps show
    std::string origin;   // of app.base_uri, as a browser says it: no path, no final slash
    // The families that have a part in a login that they share (net/shared_login.hpp).
    std::vector<login_participant*> login_participants;
};

// What a committed decision answered, and the account as it now stands.
template <typename Success>
struct committed {
    boost::system::result<Success, core::refusal> outcome;
    std::unique_ptr<core::account> account; // never nullptr
};

// What a command's decision yields when it is granted.
template <typename Command>
using success_of =
    typename decltype(decide(std::declval<const core::account&>(), std::declval<const Command&>(),
                             std::declval<const core::context&>(),
                             core::unix_time()))::success_type;

template <typename Command>
using committed_of = committed<success_of<Command>>;

// Loads the account, decides, commits. Nothing is returned before the commit took; nullopt: there
// is no such account.
template <typename Command>
[[nodiscard]] awaitable<store::store_result<std::optional<committed_of<Command>>>>
transact(services& services, core::account_id id, Command command) {
    std::optional<boost::system::result<success_of<Command>, core::refusal>> last;
    auto written =
        co_await services.accounts.transact(std::move(id), [&](const core::account& current) {
            auto made = decide(current, command, services.context, services.now());
            last.emplace(std::move(made.outcome));
            if (made.next) core::seal_anew(*made.next, services.context.keys, services.random);
            return store::change{std::move(made.next), std::move(made.events), last->has_error()};
        });
    if (written.has_error()) co_return written.error();
    if (*written == nullptr) co_return std::nullopt;
    count_proof(services.verifications, command, *last);
    co_return committed_of<Command>{*std::move(last), *std::move(written)};
}

} // namespace countersign::net
