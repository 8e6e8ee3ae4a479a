#include "net/families/service/handlers.hpp"

#include "core/decide/assurance.hpp"
#include "core/decide/introspection.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::net::service {

namespace {

constexpr std::string_view form_type = "application/x-www-form-urlencoded";

// The kinds that are carried as bearer tokens and stand for a session.
constexpr std::array introspected{core::token_kind::access, core::token_kind::user_session,
                                  core::token_kind::refresh};

struct verified_token {
    core::token_kind kind;
    core::token_claims claims;
};

bool is_form(const request& message) {
    const auto sent = message.header("content-type").value_or("");
    const auto type = core::to_lower_ascii(sent.substr(0, sent.find(';')));
    return std::string_view(type).substr(0, type.find_last_not_of(" \t") + 1) == form_type;
}

// The parameter's value, decoded; nullopt if it is missing, there twice (RFC 6749 section 3.2) or
// malformed.
std::optional<std::string> parameter_of(std::string_view form, std::string_view wanted) {
    std::optional<std::string> found;
    while (!form.empty()) {
        const auto pair = form.substr(0, form.find('&'));
        form.remove_prefix(std::min(form.size(), pair.size() + 1));
        const auto name = pair.substr(0, pair.find('='));
        if (percent_decode(name, plus_sign::is_a_space) != wanted) continue;
        const auto value = pair.substr(std::min(pair.size(), name.size() + 1));
        auto decoded = percent_decode(value, plus_sign::is_a_space);
        if (found || !decoded) return std::nullopt;
        found = std::move(decoded);
    }
    return found;
}

std::optional<verified_token> verify_any(const call& call, std::string_view token) {
    for (const auto kind : introspected) {
        auto claims = call.with().tokens.verify(kind, token, call.now());
        if (claims.has_value()) return verified_token{kind, *std::move(claims)};
    }
    return std::nullopt;
}

boost::json::object describe(const verified_token& token, const core::account& account,
                             const core::session& session, const core::policy& policy) {
    const auto seconds = [](core::unix_time time) {
        return std::chrono::floor<core::seconds>(time).time_since_epoch().count();
    };
    const auto& claims = token.claims;
    boost::json::object body{{"active", true}, {"sub", account.id.value()}};
    if (!account.subject.empty()) body["subject"] = account.subject;
    body["sid"] = session.id.value();
    body["jti"] = claims.id;
    body["iat"] = seconds(claims.issued_at);
    body["exp"] = seconds(std::min(claims.expires_at, session.expires_at));
    if (token.kind != core::token_kind::refresh) body["token_type"] = "Bearer";
    const auto level = core::level_of(session, account, policy);
    body["acr"] = level >= core::assurance_level::aal2 ? "aal2" : "aal1";
    return body;
}

reply inactive() {
    return call::json(200, {{"active", false}});
}

} // namespace

handled introspect(call& call) {
    if (!is_form(call.message()))
        co_return call::refuse(
            invalid("", "The body must be sent as " + std::string(form_type) + "."));
    const auto text = parameter_of(call.message().body(), "token");
    if (!text || text->empty())
        co_return call::refuse(invalid("token", "'token' is required, once."));

    const auto token = verify_any(call, *text);
    if (!token) co_return inactive();
    const auto found = co_await call.with().accounts.load(token->claims.subject);
    if (found.has_error()) co_return call::refuse(from_store(found.error()));
    if (!found->has_value()) co_return inactive();
    const auto& account = (*found)->value;
    const auto* session = core::standing_session(account, token->kind, token->claims,
                                                 call.with().context, call.now());
    if (session == nullptr) co_return inactive();
    co_return call::json(200, describe(*token, account, *session, call.with().context.rules));
}

} // namespace countersign::net::service
