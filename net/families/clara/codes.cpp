#include "net/families/clara/handlers.hpp"
#include "net/families/clara/view.hpp"

#include "core/decide/factors.hpp"
#include "core/decide/profile.hpp"
#include "core/password_rules.hpp"
#include "net/evidence.hpp"

namespace countersign::net::clara {

namespace {

// Codes that are no second factor: a failed one says nothing of 2FA.
const refusal_words contact_words{
    {core::refusal_reason::wrong_code, error_code::not_authenticated},
    {core::refusal_reason::code_expired, error_code::not_authenticated}};
const refusal_words activation_words{
    {core::refusal_reason::code_not_mailed, error_code::not_authenticated},
    {core::refusal_reason::wrong_code, error_code::not_authenticated},
    {core::refusal_reason::code_expired, error_code::not_authenticated}};

// The contract's `otp_type`.
std::optional<core::code_purpose> purpose_of(std::string_view type) {
    if (type == "CHANGE_PASSWORD") return core::code_purpose::reset_password;
    if (type == "TWO_FACTOR_AUTH") return core::code_purpose::second_factor;
    if (type == "ACTIVATION") return core::code_purpose::verify_email;
    return std::nullopt;
}

} // namespace

handled send_code(call& call) {
    const auto account = co_await call.user_by_address();
    if (account.has_error()) co_return render(account.error());
    const auto purpose = purpose_of(call.message().path_parameters()[1]);
    if (!purpose) co_return render(error(error_code::invalid_schema));

    const auto done = co_await call.decide(
        account->id, core::mail_code{.purpose = *purpose,
                                     .mail = make_mail_code(call.with(), account->id, *purpose),
                                     .asker = call.asker(),
                                     .origin = call.origin()});
    if (done.has_error()) co_return render(done.error());
    co_return success(201, "OTP sent successfully.");
}

handled activate(call& call) {
    const auto account = co_await call.user_by_address();
    if (account.has_error()) co_return render(account.error());
    const auto body = read_body(call.message());
    if (body.has_error()) co_return render(body.error());
    const auto code = code_in(*body, "code", call.code_digits());
    if (!code) co_return render(error(error_code::invalid_schema));

    const auto done = co_await call.decide(
        account->id, core::activate_email{.code = *code, .origin = call.origin()},
        activation_words);
    if (done.has_error()) co_return render(done.error());
    co_return success(200, "User activated successfully.", user(*done->account));
}

handled change_password(call& call) {
    const auto account = co_await call.user_by_address();
    if (account.has_error()) co_return render(account.error());
    const auto body = read_body(call.message());
    if (body.has_error()) co_return render(body.error());
    auto password = text_in(*body, "password");
    const auto code = code_in(*body, "code", call.code_digits());
    if (!password || !code || core::password_length_problem(*password))
        co_return render(error(error_code::invalid_schema));

    core::change_password_with_code command{
        .by = call.requester(), .code = *code, .new_hash = {}, .origin = call.origin()};
    // What is refused and leaves nothing behind is not worth the hashing.
    const auto foreseen = core::decide(*account, command, call.with().context, call.now());
    if (foreseen.outcome.has_error() && !foreseen.next)
        co_return render(from_refusal(foreseen.outcome.error(), contact_words));
    auto hash =
        co_await call.with().passwords.hash(*std::move(password), call.with().random.bytes<16>());
    if (hash.has_error()) co_return render(overloaded());
    command.new_hash = std::move(*hash);

    const auto done = co_await call.decide(account->id, std::move(command), contact_words);
    if (done.has_error()) co_return render(done.error());
    co_return success(200, "User password changed successfully.");
}

} // namespace countersign::net::clara
