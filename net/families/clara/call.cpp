#include "net/families/clara/call.hpp"

#include "core/decide/assurance.hpp"
#include "core/decide/profile.hpp"
#include "core/decide/subjects.hpp"
#include "net/evidence.hpp"
#include "net/families/clara/view.hpp"

namespace countersign::net::clara {

namespace {

// Whether a credential of that kind is what the route asks for at all.
bool is_wanted(const presented_credential& presented, credential need) {
    const auto* key = std::get_if<api_key>(&presented);
    const bool administers = key != nullptr && *key == api_key::of_administrators;
    const bool has_token = std::holds_alternative<user_token>(presented);
    switch (need) {
    case credential::none:
        return true;
    case credential::password:
        return std::holds_alternative<basic_credentials>(presented);
    case credential::key:
        return key != nullptr;
    case credential::private_key:
        return administers;
    case credential::user:
        return has_token;
    case credential::user_or_key:
        return has_token || key != nullptr;
    case credential::user_or_private_key:
    case credential::active_user_or_private_key:
        return has_token || administers;
    }
    return false;
}

std::string_view first_path_parameter(const request& request) {
    return request.path_parameters().front();
}

} // namespace

call::call(services& services, const clara_keys& keys, std::string_view version,
           const request& request)
    : services_(services), keys_(keys), version_(version), request_(request) {}

awaitable<std::optional<error>> call::authenticate(credential need) {
    if (need == credential::none) co_return std::nullopt;
    presented_ = read_authorization(request_, keys_);
    if (!is_wanted(presented_, need)) {
        const auto* key = std::get_if<api_key>(&presented_);
        const bool administers = key != nullptr && *key == api_key::of_administrators;
        co_return error(need == credential::user && administers ? error_code::not_allowed
                                                                : error_code::not_authenticated);
    }
    if (!std::holds_alternative<user_token>(presented_)) co_return std::nullopt;
    co_return co_await take_user_token(need);
}

awaitable<std::optional<error>> call::take_user_token(credential need) {
    error refused(error_code::not_authenticated);
    const auto claims = services_.tokens.verify(core::token_kind::user_session,
                                                std::get<user_token>(presented_).jws, now());
    if (claims.has_error()) co_return refused;
    auto found = co_await services_.accounts.load(claims->subject);
    if (found.has_error()) co_return from_store(found.error());
    if (!found->has_value()) co_return refused;
    auto& account = (*found)->value;
    if (core::may_read(account, claims->session, now())) co_return refused;
    if (need == credential::active_user_or_private_key && !is_active_with_names(account))
        co_return error(error_code::not_active);
    session_ = claims->session;
    own_ = std::move(account);
    co_return std::nullopt;
}

std::optional<error> call::check_enrolled() const {
    if (!is_user()) return std::nullopt;
    if (const auto no = core::check_enrolled(*own_, services_.context.rules))
        return from_refusal(*no);
    return std::nullopt;
}

core::requester call::requester() const {
    if (is_user()) return session_;
    return core::backend{};
}

core::mail_asker call::asker() const {
    const auto* key = std::get_if<api_key>(&presented_);
    return key != nullptr && *key == api_key::of_clients ? core::mail_asker::anybody
                                                         : core::mail_asker::holder;
}

awaitable<outcome<core::account>> call::user_by_id() {
    if (is_user()) {
        if (own_->id.value() != first_path_parameter(request_))
            co_return error(error_code::not_allowed);
        co_return *own_;
    }
    auto found = co_await loaded_by_id();
    if (found.has_error()) co_return found.error();
    co_return std::move(found->value);
}

awaitable<outcome<store::loaded_account>> call::loaded_by_id() {
    const auto named = first_path_parameter(request_);
    if (!core::names_an_account(named)) co_return error(error_code::user_not_found);
    auto found = co_await services_.accounts.load(core::account_id(std::string(named)));
    if (found.has_error()) co_return from_store(found.error());
    if (!found->has_value()) co_return gone();
    co_return **std::move(found);
}

awaitable<outcome<core::account>> call::user_by_address() {
    const auto address = core::email_address::parse(first_path_parameter(request_));
    if (is_user()) {
        if (address.has_error() || address->value() != own_->email)
            co_return error(error_code::not_allowed);
        co_return *own_;
    }
    if (address.has_error()) co_return error(error_code::user_not_found);
    auto found = co_await services_.emails.find(*address);
    if (found.has_error()) co_return from_store(found.error());
    if (!found->has_value()) co_return gone();
    co_return std::move((*found)->value);
}

error call::gone() const {
    return error(is_user() ? error_code::not_authenticated : error_code::user_not_found);
}

core::request_origin call::origin() const {
    auto made = origin_of(services_, request_, requested_locale(request_).value_or(std::string()));
    if (const auto* key = std::get_if<api_key>(&presented_))
        made.by = *key == api_key::of_administrators ? "clara:private_key" : "clara:public_key";
    return made;
}

core::session_material call::make_session() const {
    return core::make_session_material(services_.context.rules.tokens.user_session,
                                       services_.random);
}

std::string call::issue_user_token(const core::account_id& account,
                                   const core::session_id& session) const {
    return std::string(user_token_prefix) + issue(services_, core::token_kind::user_session,
                                                  {.subject = account, .session = session},
                                                  services_.context.rules.tokens.user_session);
}

} // namespace countersign::net::clara
