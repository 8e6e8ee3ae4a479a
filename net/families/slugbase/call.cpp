#include "net/families/slugbase/call.hpp"

#include "core/api_token.hpp"
#include "core/decide/api_token_renewal.hpp"
#include "core/decide/assurance.hpp"
#include "core/decide/profile.hpp"
#include "core/decide/step_up.hpp"
#include "net/cross_site.hpp"
#include "net/families/slugbase/cookies.hpp"

#include <boost/json/serialize.hpp>

namespace countersign::net::slugbase {

awaitable<std::optional<error>> call::authenticate(credential need) {
    needs_ = need;
    switch (need) {
    case credential::none:
        co_return std::nullopt;
    case credential::account:
        co_return co_await take_account();
    case credential::pending_login:
        co_return co_await take_pending_login();
    }
    co_return error{.code = error_code::unauthorized};
}

std::optional<error> call::check_enrolled() const {
    if (needs_ != credential::account) return std::nullopt;
    if (const auto no = core::check_enrolled(*account_, services_.context.rules))
        return from_refusal(*no);
    return std::nullopt;
}

bool call::read_credential(core::account_id& owner) {
    const bool by_header = request_.header("authorization").has_value();
    const auto text = by_header ? credentials_of(request_, "bearer")
                                : credential_cookie(services_, request_, session_cookie);
    if (by_header) {
        if (auto token = core::read_api_token(text, services_.context.codes)) {
            owner = std::move(token->account);
            by_ = std::move(token->hash);
            return true;
        }
    }
    const auto kind = by_header ? core::token_kind::access : core::token_kind::session_cookie;
    auto claims = services_.tokens.verify(kind, text, now());
    if (claims.has_error()) return false;
    owner = std::move(claims->subject);
    by_ = std::move(claims->session);
    return true;
}

awaitable<std::optional<error>> call::load(core::account_id id, error_code missing) {
    auto found = co_await services_.accounts.load(std::move(id));
    if (found.has_error()) co_return from_store(found.error());
    if (!found->has_value()) co_return error{.code = missing};
    account_ = std::move((*found)->value);
    co_return std::nullopt;
}

awaitable<std::optional<error>> call::take_account() {
    core::account_id owner;
    if (!read_credential(owner)) co_return error{.code = error_code::unauthorized};
    if (auto problem = co_await load(std::move(owner), error_code::unauthorized)) co_return problem;
    if (const auto no = core::may_read(*account_, by_, now())) co_return from_refusal(*no);
    if (const auto* token = std::get_if<core::api_token_hash>(&by_);
        token != nullptr && core::is_outdated(*account_, *token, services_.context.codes)) {
        core::renew_api_token command{*token};
        (void)co_await transact(services_, account_->id, std::move(command));
    }
    co_return std::nullopt;
}

awaitable<std::optional<error>> call::take_pending_login() {
    const error gone{.code = error_code::mfa_pending_invalid};
    auto claims =
        services_.tokens.verify(core::token_kind::two_factor,
                                credential_cookie(services_, request_, pending_cookie), now());
    if (claims.has_error() || claims->purpose != core::challenge_purpose::login) co_return gone;
    if (auto problem = co_await load(std::move(claims->subject), gone.code)) co_return problem;
    pending_ = core::challenge_id(std::move(claims->id));
    if (!core::is_pending(*account_, pending_, now())) co_return gone;
    co_return std::nullopt;
}

core::authority call::authority() const {
    return std::visit([](const auto& who) { return core::authority(who); }, by_);
}

core::request_origin call::origin() const {
    return origin_of(services_, request_);
}

reply call::ok(const boost::json::value& body) {
    return {.body = boost::json::serialize(body)};
}

error call::problem_of(const json_body& body) {
    const auto& field = body.problem_field();
    return {.code = error_code::bad_request,
            .field = field.empty() ? "body" : field,
            .problem = body.problem()};
}

} // namespace countersign::net::slugbase
