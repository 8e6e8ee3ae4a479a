#include "core/decide/second_factor.hpp"

#include <algorithm>

namespace countersign::core {

second_factor_pending begin_challenge(rules::draft& draft, challenge pending,
                                      const sealed_code& mail, const context& context,
                                      const request_origin& origin, unix_time now) {
    const auto id = pending.id;
    pending.expires_at = now + context.rules.tokens.two_factor;
    rules::add_challenge(draft.next, std::move(pending), context.rules);
    bool mailed = false;
    if (draft.next.preferred == factor_method::email)
        mailed = rules::send_code(draft,
                                  {.purpose = code_purpose::second_factor,
                                   .type = event_type::one_time_code,
                                   .address = draft.next.email,
                                   .code = mail,
                                   .life = context.rules.mailed_code_life},
                                  context, origin, now)
                     .has_value();
    return {.challenge = id, .code_mailed = mailed};
}

std::optional<refusal> check_challenge(const account& account, const challenge_id& id,
                                       std::optional<challenge_purpose> purpose) {
    const auto open = std::ranges::find(account.challenges, id, &challenge::id);
    if (open == account.challenges.end() || (purpose && open->purpose != *purpose))
        return refusal{refusal_reason::challenge_unknown};
    return std::nullopt;
}

void use_challenge(account& account, const challenge_id& id) {
    std::erase_if(account.challenges, [&](const challenge& open) { return open.id == id; });
}

std::optional<refusal> prove_second_factor(rules::draft& draft, const presented_code& code,
                                           const context& context, const request_origin& origin,
                                           unix_time now) {
    const auto& account = draft.next;
    if (!code.any && !code.totp && !code.email) return refusal{refusal_reason::no_code};
    if (!account.has_second_factor()) return refusal{refusal_reason::no_second_factor};
    if (code.any) {
        const auto proved = rules::prove_any_code(draft, *code.any, rules::mailed_codes::count,
                                                  context, origin, now);
        if (proved.has_error()) return proved.error();
        return std::nullopt;
    }

    if (account.has(factor_method::totp) && code.totp)
        return rules::prove_totp(draft, *code.totp, context, origin, now);
    const bool email_counts =
        account.has(factor_method::email) &&
        (!account.has(factor_method::totp) || account.preferred == factor_method::email);
    if (email_counts && code.email)
        return rules::prove_mailed_code(draft, *code.email, context, origin, now);
    return refusal{refusal_reason::no_code};
}

} // namespace countersign::core
