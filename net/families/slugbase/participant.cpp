#include "net/families/slugbase/participant.hpp"

#include "net/cross_site.hpp"
#include "net/evidence.hpp"
#include "net/families/slugbase/cookies.hpp"
#include "net/families/slugbase/view.hpp"

#include <algorithm>

namespace countersign::net::slugbase {

namespace {

constexpr core::seconds pending_life_max{300}; // contract section 2.1

} // namespace

void participant::add_session(const request& request, const core::account& account,
                              const core::session_opened& opened, reply& out,
                              boost::json::object& body) {
    const auto life = services_.context.rules.tokens.refresh;
    const auto token = issue(services_, core::token_kind::session_cookie,
                             {.subject = account.id, .session = opened.session}, life);
    add_user(body, account);
    set_cookie(services_, request, out, session_cookie, token, life);
    set_cookie(services_, request, out, pending_cookie, {}, {}, same_site::lax);
}

void participant::add_pending(const request& request, const core::account& account,
                              const core::second_factor_pending& pending, reply& out,
                              boost::json::object& body) {
    const auto life = std::min(pending_life_max, services_.context.rules.tokens.two_factor);
    const auto token = issue(services_, core::token_kind::two_factor,
                             {.subject = account.id,
                              .id = pending.challenge.value(),
                              .purpose = core::challenge_purpose::login},
                             life);
    body["mfa_required"] = true;
    set_cookie(services_, request, out, pending_cookie, token, life, same_site::lax);
    set_cookie(services_, request, out, session_cookie, {}, {});
}

std::optional<session_reference> participant::presented_session(const request& request) {
    auto claims = services_.tokens.verify(core::token_kind::session_cookie,
                                          credential_cookie(services_, request, session_cookie),
                                          services_.now());
    if (claims.has_error()) return std::nullopt;
    return session_reference{.account = std::move(claims->subject),
                             .session = std::move(claims->session)};
}

void participant::add_logged_out(const request& request, reply& out, boost::json::object& body) {
    body["message"] = "Logged out";
    set_cookie(services_, request, out, session_cookie, {}, {});
    set_cookie(services_, request, out, pending_cookie, {}, {}, same_site::lax);
}

} // namespace countersign::net::slugbase
