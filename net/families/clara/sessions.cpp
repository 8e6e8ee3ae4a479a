#include "net/families/clara/handlers.hpp"
#include "net/families/clara/view.hpp"

#include "core/decide/login.hpp"
#include "core/decide/registration.hpp"
#include "core/password_rules.hpp"
#include "core/text.hpp"
#include "core/totp.hpp"
#include "net/evidence.hpp"
#include "net/registration.hpp"

#include <algorithm>

namespace countersign::net::clara {

namespace {

struct registration {
    core::email_address email;
    core::account named; // its names only
    std::string password;
};

outcome<registration> read_registration(const boost::json::object& body) {
    error invalid(error_code::invalid_schema);
    auto given = text_in(body, "first_name");
    auto family = text_in(body, "last_name");
    auto password = text_in(body, "password");
    const auto email = core::email_address::parse(text_in(body, "email").value_or(std::string()));
    if (!given || !family || !password || email.has_error()) return invalid;
    if (given->empty() || family->empty() || core::password_length_problem(*password))
        return invalid;
    registration wanted{.email = *email, .named = {}, .password = *std::move(password)};
    core::set_name(wanted.named, {.given = *std::move(given), .family = *std::move(family)});
    if (!core::is_valid_display_name(wanted.named.name)) return invalid;
    return wanted;
}

reply with_token(const call& call, unsigned status, std::string_view message,
                 const core::account& account, const core::session_id& session) {
    auto view = user(account);
    view["token"] = call.issue_user_token(account.id, session);
    return success(status, message, std::move(view));
}

// What the body of a login says.
struct login_code {
    std::optional<std::string> code;
    bool must_be_there = false; // the body is one, but has no code
};

outcome<login_code> read_login_code(const call& call) {
    const auto body = read_body(call.message());
    if (body.has_error() && body.error().code == error_code::empty_body) return login_code{};
    if (body.has_error()) return body.error();
    if (!body->contains("code")) return login_code{.must_be_there = true};
    constexpr std::size_t of_an_app = core::totp_digits_min;
    auto code = code_in(*body, "code", std::min(call.code_digits(), of_an_app));
    if (!code) return error(error_code::invalid_schema);
    return login_code{.code = std::move(code)};
}

} // namespace

handled register_account(call& call) {
    const auto body = read_body(call.message());
    if (body.has_error()) co_return render(body.error());
    auto wanted = read_registration(*body);
    if (wanted.has_error()) co_return render(wanted.error());

    const auto id = core::make_account_id(call.with().random);
    const auto session = call.make_session();
    core::register_account command{
        .id = id,
        .email = wanted->email,
        .name = wanted->named.name,
        .family_name = wanted->named.family_name,
        .verification = make_mail_code(call.with(), id, core::code_purpose::verify_email),
        .verification_mail = core::event_type::email_verification_code,
        .email_factor = false,
        .session = session,
        .origin = call.origin()};
    const auto registered = co_await net::register_account(call.with(), std::move(command),
                                                           std::move(wanted->password));
    if (registered.has_error()) co_return render(from_evidence(registered.error()));
    if (!registered->has_value()) co_return render(error(error_code::user_exists));
    co_return with_token(call, 201, "User registered successfully.", **registered, session.session);
}

handled log_in(call& call) {
    const auto presented = read_login_code(call);
    if (presented.has_error()) co_return render(presented.error());
    const auto& [address, password] = call.basic();
    auto checked = co_await check_credentials(call.with(), address, password);
    if (checked.has_error()) co_return render(from_evidence(checked.error()));
    if (!checked->has_value()) co_return render(error(error_code::not_authenticated));

    refusal_words own;
    if (presented->must_be_there)
        own.emplace_back(core::refusal_reason::no_code, error_code::invalid_schema);
    const auto session = call.make_session();
    auto& [account, check] = **checked;
    const auto done = co_await call.decide(std::move(account),
                                           core::log_in_at_once{.password = std::move(check),
                                                                .code = presented->code,
                                                                .session = session,
                                                                .origin = call.origin()},
                                           std::move(own));
    if (done.has_error()) co_return render(done.error());
    co_return with_token(call, 200, "User logged in successfully.", *done->account,
                         done->value.session);
}

handled log_out(call& call) {
    const auto done =
        co_await call.decide(call.own_account().id, core::log_out{call.own_session()});
    if (done.has_error()) co_return render(done.error());
    co_return reply{.status = 204};
}

} // namespace countersign::net::clara
