#include "net/families/singularity/handlers.hpp"
#include "net/families/singularity/view.hpp"

#include "core/decide/factors.hpp"
#include "core/decide/profile.hpp"
#include "core/password_rules.hpp"
#include "core/text.hpp"
#include "net/password_pool.hpp"
#include "store/account_lifecycle.hpp"

#include <array>
#include <optional>

namespace countersign::net::singularity {

namespace {

// What is left of the pause between two reset mails. It is kept by address, known or not, so that
// it tells nothing. A use that takes starts it where none runs.
awaitable<core::seconds> use_cooldown(const call& call, const core::email_address& address,
                                      core::seconds cooldown, store::rate_use use) {
    const std::array rules{store::rate_rule{"password-reset", 1, cooldown}};
    auto who = call.with().context.codes.index_key("password-reset", address.value());
    const auto verdicts = co_await call.with().limits.apply(rules, std::move(who), use, call.now());
    co_return std::chrono::ceil<core::seconds>(verdicts.front().retry_in);
}

error link_taken() {
    return error(error_code::email_taken);
}

} // namespace

handled verify_email(call& call) {
    const auto token = call.verify_query_token(core::token_kind::email_verification);
    if (token.has_error())
        co_return call.refuse(from_token(token_name::email_verification, token.error()));
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());

    const auto account = co_await call.load(token->subject);
    if (account.has_error()) co_return call.refuse(account.error());
    std::optional<store::address_change> change;
    if (const auto fresh =
            core::address_to_take(*account, token->id, call.with().context, call.now())) {
        change.emplace(call.with().emails, account->id, *core::email_address::parse(account->email),
                       *core::email_address::parse(*fresh));
        const auto taken = co_await change->take(call.now());
        if (taken.has_error()) co_return call.refuse(from_store(taken.error()));
        if (!*taken) co_return call.refuse(link_taken());
    }

    const auto done = co_await call.decide(
        account->id, core::verify_email{.link_id = token->id, .origin = call.origin(*locale)});
    if (done.has_error()) co_return call.refuse(done.error());
    if (change && !done->value.previous_email.empty())
        co_await change->finish(done->value.previous_email, call.now());
    co_return call::ok(principal(*done->account));
}

handled send_verification(call& call) {
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());
    const auto subject = call.access().subject;
    const auto done = co_await call.decide(
        subject,
        core::send_verification{.proof = call.proof(),
                                .link = call.make_link(subject, core::code_purpose::verify_email),
                                .origin = call.origin(*locale)});
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok({{"cooldown", done->value.cooldown.count()}});
}

handled verification_cooldown(call& call) {
    const auto account = co_await call.load(call.access().subject);
    if (account.has_error()) co_return call.refuse(account.error());
    const auto wait =
        core::mail_cooldown(*account, call.access().session, core::code_purpose::verify_email,
                            call.with().context, call.now());
    if (wait.has_error()) co_return call.refuse(from_refusal(wait.error()));
    co_return call::ok({{"remaining", wait->count()}});
}

handled request_password_reset(call& call) {
    json_body body(call.message());
    const auto address = core::email_address::parse(body.text("email"));
    if (address.has_error()) body.reject("email", "'email' is not an e-mail address.");
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());

    const auto cooldown = call.with().context.rules.mail_cooldown;
    if (cooldown > core::seconds(0)) {
        const auto running = co_await use_cooldown(call, *address, cooldown, store::rate_use::take);
        if (running > core::seconds(0))
            co_return call.refuse(error(error_code::email_cooldown_active, {}, running));
    }
    const auto holder = co_await call.with().emails.find_or_stranger(*address);
    if (holder.has_error()) co_return call.refuse(from_store(holder.error()));
    const auto& id = holder->value.id;
    const auto done = co_await call.decide(
        id,
        core::request_password_reset{.link = call.make_link(id, core::code_purpose::reset_password),
                                     .origin = call.origin(*locale)});
    // A spent mail budget is not told: the answer is the same for every address.
    if (done.has_error() && done.error().code != error_code::email_cooldown_active)
        co_return call.refuse(done.error());
    co_return call::ok({{"cooldown", cooldown.count()}});
}

handled reset_password(call& call) {
    const auto token = call.verify_query_token(core::token_kind::password_reset);
    if (token.has_error())
        co_return call.refuse(from_token(token_name::password_reset, token.error()));
    json_body body(call.message());
    auto password = body.text("newPassword");
    if (const auto problem = core::password_problem(password)) body.reject("newPassword", *problem);
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());

    auto hash =
        co_await call.with().passwords.hash(std::move(password), call.with().random.bytes<16>());
    if (hash.has_error()) co_return call.refuse(overloaded());
    const auto done = co_await call.decide(
        token->subject,
        core::reset_password{
            .link_id = token->id, .new_hash = std::move(*hash), .origin = call.origin(*locale)},
        {{core::refusal_reason::link_unknown, error_code::password_reset_token_invalid},
         {core::refusal_reason::link_expired, error_code::password_reset_token_expired}},
        error_code::password_reset_token_invalid);
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok({{"success", true}});
}

handled password_reset_cooldown(call& call) {
    const auto address =
        core::email_address::parse(call.message().query_parameter("email").value_or(""));
    if (address.has_error()) co_return call.refuse_request("'email' is not an e-mail address.");
    const auto cooldown = call.with().context.rules.mail_cooldown;
    auto left = core::seconds(0);
    if (cooldown > left)
        left = co_await use_cooldown(call, *address, cooldown, store::rate_use::look);
    co_return call::ok({{"remaining", left.count()}});
}

} // namespace countersign::net::singularity
