#include "net/families/singularity/handlers.hpp"
#include "net/families/singularity/view.hpp"

#include "core/decide/factors.hpp"
#include "core/decide/step_up.hpp"
#include "net/evidence.hpp"

namespace countersign::net::singularity {

namespace {

// The native family's backup codes (contract section 3.6).
constexpr std::string_view backup_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

core::code_holder holder_of(const call& call) {
    if (call.has_access()) return call.access().session;
    return core::challenge_id(call.two_factor().id);
}

// The pending step-up that a code is asked for, if codes are bound to one (bound_code()): it comes
// beside the access token, which would do to be mailed any other code.
awaitable<outcome<core::code_holder>> holder_of_code(call& call) {
    if (!call.with().context.rules.mailed_code_per_challenge || !call.has_access() ||
        !call.has_two_factor() || call.two_factor().subject != call.access().subject)
        co_return holder_of(call);
    const auto account = co_await call.load(call.access().subject);
    if (account.has_error()) co_return account.error();
    const core::challenge_id challenge(call.two_factor().id);
    if (core::is_pending(*account, challenge, call.now())) co_return core::code_holder(challenge);
    co_return holder_of(call);
}

core::challenge_id challenge_of(const core::code_holder& holder) {
    const auto* challenge = std::get_if<core::challenge_id>(&holder);
    return challenge != nullptr ? *challenge : core::challenge_id();
}

core::account_id subject_of(const call& call) {
    return call.has_access() ? call.access().subject : call.two_factor().subject;
}

// The routes that ask for a step-up token and a locale, decide, and show the account.
template <typename Make>
handled change(call& call, Make make, refusal_words own = {}) {
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());
    auto done = co_await call.decide(call.access().subject, make(call.origin(*locale)), own);
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok(principal(*done->account));
}

handled disable(call& call, core::factor_method method) {
    const auto proof = call.proof();
    co_return co_await change(call, [&](core::request_origin origin) {
        return core::disable_factor{.proof = proof, .method = method, .origin = std::move(origin)};
    });
}

} // namespace

handled begin_totp(call& call) {
    const auto account = co_await call.load(call.access().subject);
    if (account.has_error()) co_return call.refuse(account.error());

    const auto& rules = call.with().context.rules;
    auto made = make_totp_material(call.with(), account->id, account->email);
    auto backup =
        make_backup_codes(call.with(), account->id, rules.recovery_code_count, backup_alphabet,
                          static_cast<std::size_t>(rules.recovery_code_length));
    const auto token_id = call.with().random.hex(16);
    const auto done = co_await call.decide(
        account->id, core::begin_totp{.by = call.proof(),
                                      .token_id = token_id,
                                      .device = std::move(made.device),
                                      .backup_code_hashes = std::move(backup.hashes)});
    if (done.has_error()) co_return call.refuse(done.error());
    boost::json::array codes;
    for (const auto& code : backup.codes)
        codes.emplace_back(std::string_view(code));
    co_return call::ok(
        {{"secret", made.secret},
         {"totpAuthUrl", made.uri},
         {"recoveryCodes", std::move(codes)},
         {"token",
          call.issue(core::token_kind::totp_setup,
                     {.subject = account->id, .session = call.access().session, .id = token_id},
                     call.lives().totp_setup)}});
}

handled confirm_totp(call& call) {
    json_body body(call.message());
    const auto token_text = body.optional_text("token").value_or(std::string());
    const auto code = body.code("code", 6);
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto token =
        call.with().tokens.verify(core::token_kind::totp_setup, token_text, call.now());
    // A token that is not good names no enrolment. Core says so after what weighs more: the
    // step-up, the pause after misses, a method that is on already.
    // Nor does it name one that needs no token, because another family began it.
    const bool good = token.has_value() && token->subject == call.access().subject;
    const auto why = token.has_error() ? token.error() : core::token_error::malformed;
    const auto unknown = from_token(token_name::totp_setup, why).code;

    const auto proof = call.proof();
    co_return co_await change(call,
                              [&](core::request_origin origin) {
                                  return core::confirm_totp{.by = proof,
                                                            .token_id = good ? token->id : "-",
                                                            .code = code,
                                                            .ends = core::sessions_ended::all,
                                                            .origin = std::move(origin)};
                              },
                              {{core::refusal_reason::enrolment_unknown, unknown}});
}

handled disable_totp(call& call) {
    co_return co_await disable(call, core::factor_method::totp);
}

handled disable_email(call& call) {
    co_return co_await disable(call, core::factor_method::email);
}

handled send_email_code(call& call) {
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());
    const auto subject = subject_of(call);
    const auto holder = co_await holder_of_code(call);
    if (holder.has_error()) co_return call.refuse(holder.error());
    const auto done = co_await call.decide(
        subject,
        core::send_second_factor_code{.holder = *holder,
                                      .mail = call.make_mail_code(subject, challenge_of(*holder)),
                                      .origin = call.origin(*locale)});
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok({{"cooldown", done->value.cooldown.count()}});
}

handled email_cooldown(call& call) {
    const auto account = co_await call.load(subject_of(call));
    if (account.has_error()) co_return call.refuse(account.error());
    const auto wait =
        core::mail_cooldown(*account, holder_of(call), core::code_purpose::second_factor,
                            call.with().context, call.now());
    if (wait.has_error()) co_return call.refuse(from_refusal(wait.error()));
    co_return call::ok({{"remaining", wait->count()}});
}

handled enable_email(call& call) {
    json_body body(call.message());
    const auto code = body.code("code", call.mailed_code_digits());
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto proof = call.proof();
    co_return co_await change(call, [&](core::request_origin origin) {
        return core::enable_email_factor{.proof = proof, .code = code, .origin = std::move(origin)};
    });
}

handled prefer_method(call& call) {
    json_body body(call.message());
    const auto name = body.text("method");
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto method = core::factor_method_from(name);
    if (!method) co_return call.refuse(error(error_code::invalid_two_factor_method));
    const auto done = co_await call.decide(
        call.access().subject, core::prefer_method{.proof = call.proof(), .method = *method},
        {{core::refusal_reason::method_off, error_code::two_fa_disabled}});
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok(principal(*done->account));
}

} // namespace countersign::net::singularity
