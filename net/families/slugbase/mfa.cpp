#include "net/families/slugbase/handlers.hpp"
#include "net/families/slugbase/view.hpp"

#include "core/decide/factors.hpp"
#include "net/password_checks.hpp"

namespace countersign::net::slugbase {

namespace {

boost::json::object success() {
    return {{"ok", true}};
}

boost::json::object shown(const backup_codes& made) {
    boost::json::array codes;
    for (const auto& code : made.codes)
        codes.emplace_back(std::string_view(code));
    return {{"backup_codes", std::move(codes)}};
}

// What disable and regenerate ask for. The password is looked at where the account has one and one
// came; whether one had to come is core's to say.
awaitable<outcome<core::code_and_password>> read_proof(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    core::code_and_password proof{.code = read_code(body)};
    auto password = body.optional_text("password").value_or("");
    if (!body.ok()) co_return call::problem_of(body);
    if (proof.code.empty()) co_return error{.code = error_code::code_required};
    if (password.empty() || call.account().password_hash.empty()) co_return proof;

    auto check = co_await check_password(call.with(), &call.account(), std::move(password));
    if (check.has_error()) co_return overloaded();
    proof.password = std::move(*check);
    co_return proof;
}

} // namespace

std::string read_code(json_body& body) {
    auto code = body.optional_code("code", 6).value_or("");
    std::erase_if(code, [](char each) {
        return std::string_view(" \t\n\v\f\r").find(each) != std::string_view::npos;
    });
    return code;
}

handled read_mfa_status(call& call) {
    co_return call::ok(mfa_status(call.account()));
}

handled begin_enrolment(call& call) {
    const auto& account = call.account();
    auto made = make_totp_material(call.with(), account.id, account.email);
    // Whoever began it confirms it; a token that names it, this contract does not have.
    core::begin_totp command{
        .by = call.authority(), .token_id = {}, .device = std::move(made.device)};
    const auto done = co_await call.decide(account.id, std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    boost::json::object view{{"otpauth_url", made.uri}, {"secret", made.secret}};
    co_return call::ok(view);
}

handled confirm_enrolment(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    auto code = read_code(body);
    if (!body.ok()) co_return call::refuse(call::problem_of(body));
    if (code.empty()) co_return call::refuse(error_code::code_required);

    auto made = make_hexadecimal_backup_codes(call.with(), call.account().id);
    core::confirm_totp command{.by = call.authority(),
                               .token_id = {},
                               .code = std::move(code),
                               .backup_code_hashes = std::move(made.hashes),
                               .origin = call.origin()};
    const auto done = co_await call.decide(call.account().id, std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return call::ok(shown(made));
}

handled cancel_enrolment(call& call) {
    core::cancel_totp command{call.by()};
    const auto done = co_await call.decide(call.account().id, std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return call::ok(success());
}

handled disable_mfa(call& call) {
    auto proof = co_await read_proof(call);
    if (proof.has_error()) co_return call::refuse(proof.error());
    core::remove_totp command{.by = call.by(), .proof = *std::move(proof), .origin = call.origin()};
    const auto done = co_await call.decide(call.account().id, std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return call::ok(success());
}

handled regenerate_backup_codes(call& call) {
    auto proof = co_await read_proof(call);
    if (proof.has_error()) co_return call::refuse(proof.error());
    auto made = make_hexadecimal_backup_codes(call.with(), call.account().id);
    core::renew_backup_codes command{.by = call.by(),
                                     .proof = *std::move(proof),
                                     .backup_code_hashes = std::move(made.hashes),
                                     .origin = call.origin()};
    const auto done = co_await call.decide(call.account().id, std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return call::ok(shown(made));
}

} // namespace countersign::net::slugbase
