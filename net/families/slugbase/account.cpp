#include "net/families/slugbase/cookies.hpp"
#include "net/families/slugbase/handlers.hpp"
#include "net/families/slugbase/view.hpp"

#include "core/api_token.hpp"
#include "core/decide/api_tokens.hpp"
#include "core/text.hpp"

namespace countersign::net::slugbase {

handled read_me(call& call) {
    co_return call::ok(profile(call.account()));
}

handled read_csrf_token(call& call) {
    const auto token = csrf_token(call.with(), call.message());
    boost::json::object view{{"csrfToken", token}};
    auto out = call::ok(view);
    set_csrf_cookie(call.with(), call.message(), out, token);
    co_return out;
}

handled list_api_tokens(call& call) {
    co_return call::ok(api_token_list(call.account()));
}

handled create_api_token(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    auto name = body.text("name");
    if (body.ok() && !core::is_valid_display_name(name))
        body.reject("name", "'name' must be 1 to 100 characters without control characters.");
    if (!body.ok()) co_return call::refuse(call::problem_of(body));

    const auto made =
        core::make_api_token(call.account().id, std::move(name), call.with().context.codes,
                             call.with().random, call.now());
    core::create_api_token command{.by = call.by(), .token = made.stored, .origin = call.origin()};
    const auto done = co_await call.decide(call.account().id, std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    auto view = api_token_view(made.stored);
    view["token"] = made.text.reveal();
    auto out = call::ok(view);
    out.status = 201;
    co_return out;
}

handled revoke_api_token(call& call) {
    const auto named = call.message().path_parameters().front();
    core::revoke_api_token command{.by = call.by(), .id = core::api_token_id(std::string(named))};
    const auto done = co_await call.decide(call.account().id, std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    boost::json::object view{{"message", "Token revoked"}};
    co_return call::ok(view);
}

} // namespace countersign::net::slugbase
