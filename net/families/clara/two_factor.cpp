#include "net/families/clara/handlers.hpp"
#include "net/families/clara/view.hpp"

#include "core/decide/factors.hpp"

namespace countersign::net::clara {

namespace {

// Nullopt: it is as the request wants it.
awaitable<std::optional<error>> switch_two_factor(call& call, bool on) {
    const auto user = co_await call.user_by_id();
    if (user.has_error()) co_return user.error();
    const auto body = read_body(call.message());
    if (body.has_error()) co_return body.error();
    const auto code = code_in(*body, "code", call.code_digits());
    if (!code) co_return error(error_code::invalid_schema);

    const auto done = co_await call.decide(
        user->id, core::switch_email_factor{
                      .by = call.requester(), .on = on, .code = *code, .origin = call.origin()});
    if (done.has_error()) co_return done.error();
    co_return std::nullopt;
}

} // namespace

handled enable_two_factor(call& call) {
    if (const auto problem = co_await switch_two_factor(call, true)) co_return render(*problem);
    co_return success(200, "User 2FA enabled successfully.");
}

handled disable_two_factor(call& call) {
    if (const auto problem = co_await switch_two_factor(call, false)) co_return render(*problem);
    co_return reply{.status = 204};
}

} // namespace countersign::net::clara
