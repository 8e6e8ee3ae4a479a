#include "net/families/singularity/handlers.hpp"
#include "net/families/singularity/view.hpp"

#include "core/decide/login.hpp"
#include "core/decide/registration.hpp"
#include "core/password_rules.hpp"
#include "core/text.hpp"
#include "net/evidence.hpp"
#include "net/registration.hpp"
#include "net/shared_login.hpp"

#include <algorithm>
#include <iterator>

namespace countersign::net::singularity {

namespace {

// Also for an address that nobody has, which meets a stranger: the same answer after the same work.
constexpr error_code wrong = error_code::invalid_credentials;

boost::json::object success() {
    return {{"success", true}};
}

core::email_address read_email(json_body& body, std::string_view name) {
    static const auto nobody = *core::email_address::parse("nobody@localhost");
    const auto parsed = core::email_address::parse(body.text(name));
    if (parsed.has_value()) return *parsed;
    body.reject(name, "'" + std::string(name) + "' is not an e-mail address.");
    return nobody;
}

} // namespace

void add_session_tokens(call& call, reply& out, boost::json::object& body,
                        const core::account_id& account, const core::session_opened& opened,
                        const std::string& refresh_id) {
    const auto& lives = call.lives();
    const auto access =
        call.issue(core::token_kind::access,
                   {.subject = account, .session = opened.session, .assurance = opened.assurance},
                   lives.access);
    const auto refresh = call.issue(
        core::token_kind::refresh,
        {.subject = account, .session = opened.session, .id = refresh_id}, lives.refresh);
    body["accessToken"] = access;
    body["refreshToken"] = refresh;
    call.set_cookie(out, "access_token", access, lives.access);
    call.set_cookie(out, "refresh_token", refresh, lives.refresh);
}

reply reply_second_factor_pending(call& call, boost::json::object body,
                                  const core::account& account, core::challenge_purpose purpose,
                                  const core::second_factor_pending& pending) {
    const auto life = call.lives().two_factor;
    const auto token = call.issue(
        core::token_kind::two_factor,
        {.subject = account.id, .id = pending.challenge.value(), .purpose = purpose}, life);
    body["twoFactorRequired"] = true;
    add_methods(body, account);
    body["twoFactorAuthenticationToken"] = token;
    auto out = call::ok(body);
    call.set_cookie(out, "two_factor_authentication_token", token, life);
    return out;
}

// A login that waits for its second factor, also in the words of the families that share it.
reply reply_login_pending(call& call, boost::json::object body, const core::account& account,
                          const core::second_factor_pending& pending) {
    reply added;
    for (auto* other : call.with().login_participants)
        other->add_pending(call.message(), account, pending, added, body);
    auto out = reply_second_factor_pending(call, std::move(body), account,
                                           core::challenge_purpose::login, pending);
    std::ranges::move(added.headers, std::back_inserter(out.headers));
    return out;
}

handled register_account(call& call) {
    const auto authenticated = co_await call.is_authenticated();
    if (authenticated.has_error()) co_return call.refuse(authenticated.error());
    if (*authenticated) co_return call.refuse(error(error_code::already_authenticated));

    json_body body(call.message());
    const auto email = read_email(body, "email");
    auto password = body.text("password");
    const auto name = body.text("name");
    if (!core::is_valid_display_name(name))
        body.reject("name", "'name' must be 1 to 100 characters without control characters.");
    if (const auto problem = core::password_problem(password)) body.reject("password", *problem);
    const auto send_mail = call.message().query_parameter("send-email").value_or("true");
    if (send_mail != "true" && send_mail != "false")
        body.reject("send-email", "'send-email' must be true or false.");
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());

    const auto id = core::make_account_id(call.with().random);
    core::register_account command{.id = id,
                                   .email = email,
                                   .name = name,
                                   .verification =
                                       call.make_link(id, core::code_purpose::verify_email),
                                   .send_mail = send_mail == "true",
                                   .origin = call.origin(*locale)};
    const auto registered =
        co_await net::register_account(call.with(), std::move(command), std::move(password));
    if (registered.has_error()) co_return call.refuse(from_evidence(registered.error()));
    // A taken address gets the same answer: who asks does not learn who has an account.
    co_return call::ok(success());
}

handled log_in(call& call) {
    const auto authenticated = co_await call.is_authenticated();
    if (authenticated.has_error()) co_return call.refuse(authenticated.error());
    if (*authenticated) co_return call.refuse(error(error_code::already_authenticated));

    json_body body(call.message());
    auto address = body.text("email");
    auto password = body.text("password");
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());
    const auto origin = call.origin(*locale, &body);
    if (!body.ok()) co_return call.refuse_request(body.problem());

    auto presented =
        co_await check_credentials(call.with(), std::move(address), std::move(password));
    if (presented.has_error()) co_return call.refuse(from_evidence(presented.error()));
    if (!*presented) co_return call.refuse(error(wrong));
    auto& [id, check] = **presented;

    const auto material = core::make_session_material(call.lives().refresh, call.with().random);
    const core::challenge_id challenge(call.with().random.hex(16));
    auto done =
        co_await call.decide(id,
                             core::log_in{.password = std::move(check),
                                          .session = material,
                                          .challenge = challenge,
                                          .mail = call.make_mail_code(id, challenge),
                                          .replaces = replaced_session(
                                              call.with().login_participants, call.message(), id),
                                          .origin = origin},
                             {}, wrong);
    if (done.has_error()) co_return call.refuse(done.error());

    boost::json::object view{{"user", principal(*done->account)},
                             {"accessToken", nullptr},
                             {"refreshToken", nullptr},
                             {"location", nullptr}};
    if (const auto* pending = std::get_if<core::second_factor_pending>(&done->value))
        co_return reply_login_pending(call, std::move(view), *done->account, *pending);
    view["twoFactorRequired"] = false;
    view["twoFactorMethods"] = nullptr;
    view["preferredTwoFactorMethod"] = nullptr;
    view["twoFactorAuthenticationToken"] = nullptr;
    reply out;
    const auto& opened = std::get<core::session_opened>(done->value);
    add_session_tokens(call, out, view, done->account->id, opened, material.refresh_id);
    for (auto* other : call.with().login_participants)
        other->add_session(call.message(), *done->account, opened, out, view);
    out.body = call::ok(view).body;
    co_return out;
}

handled complete_login(call& call) {
    const auto authenticated = co_await call.is_authenticated();
    if (authenticated.has_error()) co_return call.refuse(authenticated.error());
    if (*authenticated) co_return call.refuse(error(error_code::already_authenticated));

    json_body body(call.message(), json_body::absence::is_empty);
    core::presented_code code{.totp = body.optional_code("totp", 6),
                              .email = body.optional_code("email", call.mailed_code_digits())};
    const auto origin = call.origin({}, &body);
    if (!body.ok()) co_return call.refuse_request(body.problem());

    const auto material = core::make_session_material(call.lives().refresh, call.with().random);
    auto done = co_await call.decide(
        call.two_factor().subject,
        core::complete_login{.challenge = core::challenge_id(call.two_factor().id),
                             .code = std::move(code),
                             .session = material,
                             .origin = origin});
    if (done.has_error()) co_return call.refuse(done.error());

    boost::json::object view{{"user", principal(*done->account)},
                             {"twoFactorRequired", false},
                             {"twoFactorMethods", nullptr},
                             {"preferredTwoFactorMethod", nullptr},
                             {"twoFactorAuthenticationToken", nullptr},
                             {"location", nullptr}};
    reply out;
    add_session_tokens(call, out, view, done->account->id, done->value, material.refresh_id);
    call.clear_cookie(out, "two_factor_authentication_token");
    out.body = call::ok(view).body;
    co_return out;
}

handled recover(call& call) {
    json_body body(call.message());
    const auto code = body.text("code");
    const auto origin = call.origin({}, &body);
    if (!body.ok()) co_return call.refuse_request(body.problem());

    const auto material = core::make_session_material(call.lives().refresh, call.with().random);
    auto done = co_await call.decide(
        call.two_factor().subject,
        core::recover_with_backup_code{.challenge = core::challenge_id(call.two_factor().id),
                                       .code = code,
                                       .session = material,
                                       .origin = origin});
    if (done.has_error()) co_return call.refuse(done.error());

    const auto step_up = call.issue(core::token_kind::step_up,
                                    {.subject = done->account->id,
                                     .session = done->value.session,
                                     .assurance = done->value.assurance},
                                    call.lives().step_up);
    boost::json::object view{{"user", principal(*done->account)}, {"stepUpToken", step_up}};
    reply out;
    add_session_tokens(call, out, view, done->account->id, done->value, material.refresh_id);
    call.set_cookie(out, "step_up_token", step_up, call.lives().step_up);
    call.clear_cookie(out, "two_factor_authentication_token");
    out.body = call::ok(view).body;
    co_return out;
}

handled log_out(call& call) {
    std::vector<session_reference> ended;
    if (call.has_access()) ended.push_back({call.access().subject, call.access().session});
    for (auto* other : call.with().login_participants)
        if (const auto session = other->presented_session(call.message()))
            ended.push_back(*session);
    for (const auto& [account, session] : ended) {
        const auto done = co_await call.decide(account, core::log_out{session});
        // An account that is gone is as logged out as can be.
        if (done.has_error() && done.error().code != error_code::user_not_found)
            co_return call.refuse(done.error());
    }
    auto body = success();
    reply out;
    for (auto* other : call.with().login_participants)
        other->add_logged_out(call.message(), out, body);
    for (const auto* name :
         {"access_token", "refresh_token", "step_up_token", "two_factor_authentication_token",
          "session_token", "oauth2_provider_connection_token"})
        call.clear_cookie(out, name);
    out.body = call::ok(body).body;
    co_return out;
}

handled refresh(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    const auto origin = call.origin({}, &body);
    if (!body.ok()) co_return call.refuse_request(body.problem());

    const auto next_id = call.with().random.hex(16);
    auto done = co_await call.decide(
        call.refresh().subject,
        core::refresh_session{.session = call.refresh().session,
                              .presented_id = call.refresh().id,
                              .next_id = next_id,
                              .origin = origin},
        {{core::refusal_reason::session_ended, error_code::refresh_token_invalid}});
    if (done.has_error()) co_return call.refuse(done.error());

    boost::json::object view{{"principal", principal(*done->account)}};
    reply out;
    add_session_tokens(call, out, view, done->account->id, done->value, next_id);
    out.body = call::ok(view).body;
    co_return out;
}

} // namespace countersign::net::singularity
