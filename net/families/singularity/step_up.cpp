#include "net/families/singularity/handlers.hpp"
#include "net/families/singularity/view.hpp"

#include "core/decide/step_up.hpp"
#include "net/password_checks.hpp"

#include <algorithm>

namespace countersign::net::singularity {

namespace {

reply reply_stepped_up(call& call, const core::account_id& account, const core::stepped_up& done) {
    const auto life = call.lives().step_up;
    const auto token = call.issue(
        core::token_kind::step_up,
        {.subject = account, .session = done.session, .assurance = done.assurance}, life);
    auto out = call::ok({{"stepUpToken", token},
                         {"twoFactorRequired", false},
                         {"twoFactorMethods", nullptr},
                         {"preferredTwoFactorMethod", nullptr},
                         {"twoFactorAuthenticationToken", nullptr}});
    call.set_cookie(out, "step_up_token", token, life);
    return out;
}

} // namespace

handled begin_step_up(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    auto password = body.optional_text("password");
    if (!body.ok()) co_return call.refuse_request(body.problem());
    if (!password) co_return call.refuse(error(error_code::missing_password_parameter));
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());

    const auto account = co_await call.load(call.access().subject, error_code::principal_not_found);
    if (account.has_error()) co_return call.refuse(account.error());
    auto check = co_await check_password(call.with(), &*account, std::move(*password));
    if (check.has_error()) co_return call.refuse(overloaded());

    const core::challenge_id challenge(call.with().random.hex(16));
    auto done = co_await call.decide(
        account->id,
        core::begin_step_up{.proof = call.proof(),
                            .password = std::move(*check),
                            .challenge = challenge,
                            .mail = call.make_mail_code(account->id, challenge),
                            .origin = call.origin(*locale)},
        {{core::refusal_reason::session_ended, error_code::session_expired},
         {core::refusal_reason::no_password, error_code::no_password}},
        error_code::principal_not_found);
    if (done.has_error()) co_return call.refuse(done.error());

    if (const auto* pending = std::get_if<core::second_factor_pending>(&done->value))
        co_return reply_second_factor_pending(call, {{"stepUpToken", nullptr}}, *done->account,
                                              core::challenge_purpose::step_up, *pending);
    co_return reply_stepped_up(call, account->id, std::get<core::stepped_up>(done->value));
}

handled complete_step_up(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    core::presented_code code{.totp = body.optional_code("totp", 6),
                              .email = body.optional_code("email", call.mailed_code_digits())};
    if (!body.ok()) co_return call.refuse_request(body.problem());

    auto done = co_await call.decide(
        call.access().subject,
        core::complete_step_up{.proof = call.proof(),
                               .challenge = core::challenge_id(call.two_factor().id),
                               .code = std::move(code),
                               .origin = call.origin({})});
    if (done.has_error()) co_return call.refuse(done.error());
    auto out = reply_stepped_up(call, done->account->id, done->value);
    call.clear_cookie(out, "two_factor_authentication_token");
    co_return out;
}

handled status(call& call) {
    const core::account_id subject = call.has_access()       ? call.access().subject
                                     : call.has_two_factor() ? call.two_factor().subject
                                                             : core::account_id();
    boost::json::object view{{"authenticated", false},
                             {"stepUp", false},
                             {"emailVerified", nullptr},
                             {"twoFactorRequired", false},
                             {"preferredTwoFactorMethod", nullptr},
                             {"twoFactorMethods", nullptr},
                             {"sessionId", nullptr}};
    if (subject.empty()) co_return call::ok(view);

    const auto account = co_await call.load(subject);
    if (account.has_error()) co_return call.refuse(account.error());
    if (call.has_access()) {
        const auto* session = account->find_session(call.access().session, call.now());
        if (session == nullptr) co_return call.refuse(error(error_code::access_token_expired));
        view["authenticated"] = true;
        view["stepUp"] =
            !core::may_change(*account, call.proof(), call.with().context.rules, call.now());
        view["sessionId"] = session->id.value();
    } else {
        view["twoFactorRequired"] =
            core::is_pending(*account, core::challenge_id(call.two_factor().id), call.now());
    }
    view["emailVerified"] = account->email_verified;
    add_methods(view, *account);
    co_return call::ok(view);
}

} // namespace countersign::net::singularity
