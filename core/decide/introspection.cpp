#include "core/decide/introspection.hpp"

#include "core/decide/assurance.hpp"

namespace countersign::core {

const session* standing_session(const account& current, token_kind kind, const token_claims& claims,
                                const context& context, unix_time now) {
    if (current.factor_attempts.misses >= context.rules.attempts.lock_after) return nullptr;
    if (check_enrolled(current, context.rules)) return nullptr;
    const auto* session = current.find_session(claims.session, now);
    if (session == nullptr || kind != token_kind::refresh) return session;
    const bool is_live =
        context.codes.matches(session->refresh_hash, "refresh", current.id, claims.id);
    return is_live ? session : nullptr;
}

} // namespace countersign::core
