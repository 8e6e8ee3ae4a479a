#include "core/decide/assurance.hpp"

namespace countersign::core {

bool reaches_aal2(const account& account, const policy& policy) noexcept {
    return account.has(factor_method::totp) || account.has(factor_method::passkey) ||
           (policy.email_factor && account.has(factor_method::email));
}

bool takes_mailed_codes(const account& account, const policy& policy) noexcept {
    if (!account.has(factor_method::email)) return false;
    const bool has_a_stronger_one =
        account.has(factor_method::totp) || account.has(factor_method::passkey);
    return policy.email_factor || !has_a_stronger_one;
}

assurance_level level_of(const session& session, const account& account,
                         const policy& policy) noexcept {
    const bool by_mail_alone = account.has_second_factor() && !reaches_aal2(account, policy);
    return by_mail_alone ? assurance_level::aal1 : session.assurance;
}

std::optional<refusal> check_enrolled(const account& account, const policy& policy) noexcept {
    if (!policy.require_second_factor || reaches_aal2(account, policy)) return std::nullopt;
    return refusal{refusal_reason::second_factor_required};
}

} // namespace countersign::core
