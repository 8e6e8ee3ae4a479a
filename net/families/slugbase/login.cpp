#include "net/families/slugbase/handlers.hpp"
#include "net/families/slugbase/participant.hpp"

#include "core/decide/login.hpp"

namespace countersign::net::slugbase {

namespace {

// A login has its own words for what elsewhere is a request that failed.
reply refuse_sign_in(error why) {
    if (why.code == error_code::request_failed || why.code == error_code::internal_error)
        why.code = error_code::sign_in_failed;
    return call::refuse(why);
}

} // namespace

handled log_in(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    auto address = body.optional_text("email").value_or("");
    auto password = body.optional_text("password").value_or("");
    if (!body.ok()) co_return call::refuse(call::problem_of(body));
    if (address.empty() || password.empty())
        co_return call::refuse(error_code::credentials_required);

    auto presented =
        co_await check_credentials(call.with(), std::move(address), std::move(password));
    if (presented.has_error()) co_return refuse_sign_in(from_evidence(presented.error()));
    if (!*presented) co_return call::refuse(error_code::invalid_credentials);
    auto& [id, check] = **presented;

    const core::challenge_id challenge(call.with().random.hex(16));
    core::log_in command{
        .password = std::move(check),
        .session = core::make_session_material(call.lives().refresh, call.with().random),
        .challenge = challenge,
        .mail = make_mail_code(call.with(), id, core::code_purpose::second_factor, challenge),
        .replaces = replaced_session(call.with().login_participants, call.message(), id),
        .origin = call.origin()};
    refusal_words own{{core::refusal_reason::blocked, error_code::too_many_sign_ins},
                      {core::refusal_reason::wrong_password, error_code::invalid_credentials}};
    const auto done = co_await call.decide(id, std::move(command), std::move(own),
                                           error_code::invalid_credentials);
    if (done.has_error()) co_return refuse_sign_in(done.error());

    participant own_part(call.with());
    boost::json::object view;
    reply out;
    if (const auto* pending = std::get_if<core::second_factor_pending>(&done->value))
        own_part.add_pending(call.message(), *done->account, *pending, out, view);
    else
        own_part.add_session(call.message(), *done->account,
                             std::get<core::session_opened>(done->value), out, view);
    out.body = call::ok(view).body;
    co_return out;
}

handled verify_login(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    auto code = read_code(body);
    if (!body.ok()) co_return call::refuse(call::problem_of(body));
    if (code.empty()) co_return call::refuse(error_code::code_required);

    core::complete_login command{
        .challenge = call.pending(),
        .code = {.any = std::move(code)},
        .session = core::make_session_material(call.lives().refresh, call.with().random),
        .origin = call.origin()};
    refusal_words own{{core::refusal_reason::wrong_code, error_code::invalid_login_code},
                      {core::refusal_reason::code_expired, error_code::invalid_login_code}};
    const auto done = co_await call.decide(call.account().id, std::move(command), std::move(own),
                                           error_code::mfa_pending_invalid);
    if (done.has_error()) co_return call::refuse(done.error());

    boost::json::object view;
    reply out;
    participant(call.with()).add_session(call.message(), *done->account, done->value, out, view);
    out.body = call::ok(view).body;
    co_return out;
}

handled log_out(call& call) {
    participant own_part(call.with());
    if (auto session = own_part.presented_session(call.message())) {
        core::log_out command{std::move(session->session)};
        const auto done = co_await call.decide(std::move(session->account), std::move(command));
        // An account that is gone is as logged out as can be.
        if (done.has_error() && done.error().code != error_code::unauthorized)
            co_return call::refuse(done.error());
    }
    boost::json::object view;
    reply out;
    own_part.add_logged_out(call.message(), out, view);
    out.body = call::ok(view).body;
    co_return out;
}

} // namespace countersign::net::slugbase
