#include "net/families/service/handlers.hpp"
#include "net/families/service/passkey_json.hpp"
#include "net/families/service/view.hpp"

#include "core/decide/factors.hpp"
#include "core/decide/login.hpp"
#include "core/decide/passkeys.hpp"
#include "net/evidence.hpp"

#include <spdlog/spdlog.h>

namespace countersign::net::service {

namespace {

// A code that came as a JSON number has lost its leading zeros; most codes have six digits.
constexpr std::size_t code_digits = 6;

// Whether the answer to a verification is "no", rather than that there is none.
bool is_verdict(error_code code) {
    return code == error_code::wrong_code || code == error_code::code_expired ||
           code == error_code::no_second_factor || code == error_code::passkey_refused ||
           code == error_code::passkey_challenge_not_found;
}

reply reply_verdict(const outcome<granted<core::code_verified>>& done) {
    if (done.has_value())
        return call::json(200, {{"verified", true},
                                {"method", core::to_string(done->value.method)},
                                {"remainingBackupCodes", done->value.remaining_backup_codes}});
    const auto& why = done.error();
    if (!is_verdict(why.code)) return call::refuse(why);
    boost::json::object verdict{{"verified", false}, {"reason", to_string(why.code)}};
    if (!why.check.empty()) verdict["check"] = why.check;
    return call::json(200, verdict);
}

// Of a session that has begun.
reply reply_opened(call& call, const core::account_id& account, const core::session_opened& opened,
                   const std::string& refresh_id) {
    const auto& lives = call.lives();
    const auto access =
        issue(call.with(), core::token_kind::access,
              {.subject = account, .session = opened.session, .assurance = opened.assurance},
              lives.access);
    const auto refresh =
        issue(call.with(), core::token_kind::refresh,
              {.subject = account, .session = opened.session, .id = refresh_id}, lives.refresh);
    const bool two_factors = opened.assurance >= core::assurance_level::aal2;
    return call::json(201, {{"twoFactorRequired", false},
                            {"accessToken", access},
                            {"refreshToken", refresh},
                            {"expiresIn", lives.access.count()},
                            {"sessionId", opened.session.value()},
                            {"assuranceLevel", two_factors ? "aal2" : "aal1"}});
}

// Of a login that waits for its second factor.
reply reply_pending(call& call, const core::account& account,
                    const core::second_factor_pending& pending) {
    const auto life = call.lives().two_factor;
    const auto token = issue(call.with(), core::token_kind::two_factor,
                             {.subject = account.id,
                              .id = pending.challenge.value(),
                              .purpose = core::challenge_purpose::login},
                             life);
    return call::json(200, {{"twoFactorRequired", true},
                            {"twoFactorMethods", methods_of(account)},
                            {"twoFactorAuthenticationToken", token},
                            {"codeMailed", pending.code_mailed},
                            {"expiresIn", life.count()}});
}

} // namespace

handled mail_code(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    auto origin = call.origin(body);
    if (!body.ok()) co_return call::refuse(body);
    constexpr auto purpose = core::code_purpose::second_factor;
    core::mail_code command{.purpose = purpose,
                            .mail = make_mail_code(call.with(), call.account(), purpose),
                            .factor_must_be_on = true,
                            .origin = std::move(origin)};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return call::json(202, {{"cooldown", done->value.cooldown.count()},
                               {"expiresAt", core::to_rfc3339(done->value.expires_at)}});
}

handled verify(call& call) {
    json_body body(call.message());
    if (const auto* shown = body.optional_object("passkey")) {
        auto response = read_assertion(body, *shown);
        auto origin = call.origin(body);
        if (body.optional_code("code", code_digits))
            body.reject("code", "Either 'code' or 'passkey' is verified, not both.");
        if (!body.ok()) co_return call::refuse(body);
        core::verify_passkey command{.response = std::move(response), .origin = std::move(origin)};
        co_return reply_verdict(co_await call.decide(std::move(command)));
    }
    auto code = body.code("code", code_digits);
    auto origin = call.origin(body);
    if (!body.ok()) co_return call::refuse(body);

    core::verify_code command{.code = std::move(code), .origin = std::move(origin)};
    co_return reply_verdict(co_await call.decide(std::move(command)));
}

handled open_session(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    auto code = body.optional_code("code", code_digits);
    auto origin = call.origin(body, call::locale_place::body_or_query);
    if (!body.ok()) co_return call::refuse(body);

    auto& with = call.with();
    const auto material = core::make_session_material(call.lives().refresh, with.random);
    const core::challenge_id challenge(with.random.hex(16));
    core::vouch_for_login command{
        .code = std::move(code),
        .session = material,
        .challenge = challenge,
        .mail = make_mail_code(with, call.account(), core::code_purpose::second_factor, challenge),
        .origin = std::move(origin)};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    if (const auto* pending = std::get_if<core::second_factor_pending>(&done->value))
        co_return reply_pending(call, *done->account, *pending);
    co_return reply_opened(call, done->account->id, std::get<core::session_opened>(done->value),
                           material.refresh_id);
}

handled end_sessions(call& call) {
    json_body nothing(call.message(), json_body::absence::is_empty);
    core::terminate_sessions command{.origin = call.origin(nothing)};
    if (!nothing.ok()) co_return call::refuse(nothing);
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    spdlog::info("service key {} ended the sessions of {}", call.key().id,
                 done->account->id.value());
    co_return reply{.status = 204};
}

} // namespace countersign::net::service
