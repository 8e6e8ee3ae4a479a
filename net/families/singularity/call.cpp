#include "net/families/singularity/call.hpp"

#include "core/decide/assurance.hpp"
#include "core/text.hpp"
#include "net/cookies.hpp"
#include "net/cross_site.hpp"
#include "net/evidence.hpp"

#include <boost/json/serialize.hpp>

namespace countersign::net::singularity {

bool is_opened_by_session(credential need) {
    switch (need) {
    case credential::none:
    case credential::guest:
    case credential::access_optional:
    case credential::any_token:
    case credential::two_factor:
    case credential::two_factor_guest:
        return false;
    case credential::access:
    case credential::access_and_step_up:
    case credential::two_factor_and_access:
    case credential::access_or_two_factor:
    case credential::refresh:
        return true;
    }
    return true;
}

call::call(services& services, const request& request) : services_(services), request_(request) {}

std::string_view call::bearer() const {
    return credentials_of(request_, "bearer");
}

std::string_view call::presented(std::string_view header, std::string_view cookie) const {
    if (const auto value = request_.header(header); value && !value->empty()) return *value;
    return credential_cookie(services_, request_, cookie);
}

std::optional<error> call::take(std::optional<core::token_claims>& claims, core::token_kind kind,
                                token_name name, std::string_view text) {
    auto verified = services_.tokens.verify(kind, text, now());
    if (verified.has_error()) return from_token(name, verified.error());
    claims = std::move(*verified);
    return std::nullopt;
}

std::optional<error> call::take_access() {
    const auto text = bearer();
    return take(access_, core::token_kind::access, token_name::access,
                text.empty() ? credential_cookie(services_, request_, "access_token") : text);
}

std::optional<error> call::take_two_factor() {
    return take(two_factor_, core::token_kind::two_factor, token_name::two_factor,
                presented("X-Two-Factor-Authentication-Token", "two_factor_authentication_token"));
}

std::optional<error> call::authenticate(credential need) {
    needs_ = need;
    step_up_ = services_.tokens.verify(core::token_kind::step_up,
                                       presented("X-Step-Up-Token", "step_up_token"), now());
    switch (need) {
    case credential::none:
        return std::nullopt;
    case credential::guest:
    case credential::access_optional:
        (void)take_access();
        return std::nullopt;
    case credential::any_token: {
        (void)take_two_factor();
        auto problem = take_access();
        if (problem && problem->code != error_code::authentication_required) return problem;
        return std::nullopt;
    }
    case credential::access:
    case credential::access_and_step_up:
        return take_access();
    case credential::two_factor:
        return take_two_factor();
    case credential::two_factor_guest:
        (void)take_access();
        return take_two_factor();
    case credential::two_factor_and_access:
        if (auto problem = take_access()) return problem;
        if (auto problem = take_two_factor()) return problem;
        if (access_->subject != two_factor_->subject)
            return error(error_code::two_factor_authentication_token_invalid);
        return std::nullopt;
    case credential::access_or_two_factor: {
        auto problem = take_access();
        auto second_problem = take_two_factor();
        if (!problem) return std::nullopt;
        if (!second_problem) return std::nullopt;
        // The answer is about the token that came, and about the access token if both did.
        const bool second_only =
            problem->code == error_code::authentication_required &&
            second_problem->code != error_code::two_factor_authentication_token_missing;
        return second_only ? second_problem : problem;
    }
    case credential::refresh: {
        const auto cookie = credential_cookie(services_, request_, "refresh_token");
        return take(refresh_, core::token_kind::refresh, token_name::refresh,
                    bearer().empty() ? cookie : bearer());
    }
    }
    return error(error_code::authentication_required);
}

core::session_proof call::proof() const {
    return {.session = access_->session, .step_up = step_up_};
}

awaitable<std::optional<error>> call::check_enrolled() {
    const auto& rules = services_.context.rules;
    const auto& claims = needs_ == credential::refresh ? refresh_ : access_;
    if (!rules.require_second_factor || !claims || !is_opened_by_session(needs_))
        co_return std::nullopt;
    const auto found = co_await services_.accounts.load(claims->subject);
    if (found.has_error()) co_return from_store(found.error());
    if (!found->has_value()) co_return std::nullopt;
    const auto& account = (*found)->value;
    if (account.find_session(claims->session, now()) == nullptr) co_return std::nullopt;
    if (const auto no = core::check_enrolled(account, rules)) co_return from_refusal(*no);
    co_return std::nullopt;
}

awaitable<outcome<bool>> call::is_authenticated() {
    if (!access_) co_return false;
    auto found = co_await services_.accounts.load(access_->subject);
    if (found.has_error()) co_return from_store(found.error());
    co_return found->has_value() &&
        (*found)->value.find_session(access_->session, now()) != nullptr;
}

awaitable<outcome<core::account>> call::load(core::account_id id, error_code missing) {
    auto found = co_await services_.accounts.load(std::move(id));
    if (found.has_error()) co_return from_store(found.error());
    if (!found->has_value()) co_return no_account(missing);
    co_return std::move((*found)->value);
}

error call::no_account(error_code missing) const {
    if (needs_ != credential::access_and_step_up) return error(missing);
    if (step_up_.has_error()) return from_token(token_name::step_up, step_up_.error());
    if (step_up_->subject != access_->subject || step_up_->session != access_->session)
        return error(error_code::step_up_token_invalid);
    return error(missing);
}

outcome<std::string> call::locale() const {
    auto tag = requested_locale(request_);
    if (!tag) return error(error_code::invalid_request, "'locale' is not a language tag.");
    return *std::move(tag);
}

core::request_origin call::origin(std::string locale, json_body* body) const {
    auto made = origin_of(services_, request_, std::move(locale));
    if (body == nullptr) return made;
    if (auto browser = body->nested_text("session", "browser", device_text_max); !browser.empty())
        made.client.browser = std::move(browser);
    made.client.os = body->nested_text("session", "os", device_text_max);
    return made;
}

core::sealed_code call::make_mail_code(const core::account_id& account,
                                       const core::challenge_id& made_for) const {
    return net::make_mail_code(services_, account, core::code_purpose::second_factor, made_for);
}

core::sealed_code call::make_link(const core::account_id& account,
                                  core::code_purpose purpose) const {
    const bool reset = purpose == core::code_purpose::reset_password;
    const auto id = services_.random.hex(16);
    const auto token =
        issue(reset ? core::token_kind::password_reset : core::token_kind::email_verification,
              {.subject = account, .id = id},
              reset ? lives().password_reset : lives().email_verification);
    return core::seal_code(account, purpose,
                           reset ? core::event_type::password_reset
                                 : core::event_type::email_verification,
                           id, token, services_.context, services_.random);
}

std::string call::issue(core::token_kind kind, core::token_claims claims,
                        core::seconds life) const {
    return net::issue(services_, kind, std::move(claims), life);
}

boost::system::result<core::token_claims, core::token_error>
call::verify_query_token(core::token_kind kind) const {
    return services_.tokens.verify(kind, request_.query_parameter("token").value_or(""), now());
}

reply call::ok(const boost::json::object& body) {
    return {.status = 200, .body = boost::json::serialize(body)};
}

reply call::refuse(const error& why) const {
    return render(why, request_.path, now());
}

reply call::refuse_request(std::string message) const {
    return refuse(error(error_code::invalid_request, std::move(message)));
}

void call::set_cookie(reply& out, std::string_view name, std::string_view value,
                      core::seconds life) const {
    out.headers.emplace_back("Set-Cookie",
                             to_header({.prefix = services_.cookie_prefix,
                                        .name = name,
                                        .value = value,
                                        .life = life,
                                        .site = same_site::strict,
                                        .secure = services_.secure_cookies || request_.secure}));
}

} // namespace countersign::net::singularity
