#include "core/decide/step_up.hpp"

#include "core/decide/assurance.hpp"
#include "core/decide/rules.hpp"
#include "core/decide/second_factor.hpp"

#include <algorithm>

namespace countersign::core {

decision<std::variant<stepped_up, second_factor_pending>> decide(const account& current,
                                                                 const begin_step_up& command,
                                                                 const context& context,
                                                                 unix_time now) {
    using success = std::variant<stepped_up, second_factor_pending>;
    if (const auto no = rules::check_session(current, command.proof, now))
        return rules::refuse<success>(*no);
    if (current.password_hash.empty()) return rules::refuse<success>(refusal_reason::no_password);
    rules::draft draft(current, now);
    if (current.has_second_factor())
        if (const auto no = check_unanswered(draft.next, context.rules, now))
            return rules::refuse<success>(*no);
    if (const auto no =
            rules::prove_password(draft, command.password, context, command.origin, now))
        return std::move(draft).refuse<success>(*no);
    const auto& session = command.proof.session;
    if (!draft.next.has_second_factor())
        return std::move(draft).grant(
            success(stepped_up{.session = session, .assurance = assurance_level::aal1}));

    return std::move(draft).grant(success(begin_challenge(
        draft, {.id = command.challenge, .purpose = challenge_purpose::step_up, .session = session},
        command.mail, context, command.origin, now)));
}

decision<stepped_up> decide(const account& current, const complete_step_up& command,
                            const context& context, unix_time now) {
    if (const auto no = rules::check_session(current, command.proof, now))
        return rules::refuse<stepped_up>(*no);
    rules::draft draft(current, now);
    if (const auto no = check_challenge(draft.next, command.challenge, challenge_purpose::step_up))
        return rules::refuse<stepped_up>(*no);
    const auto open = std::ranges::find(draft.next.challenges, command.challenge, &challenge::id);
    if (open->session != command.proof.session)
        return rules::refuse<stepped_up>(refusal_reason::challenge_unknown);
    if (const auto no = rules::check_attempts(current.factor_attempts, context.rules.attempts, now))
        return rules::refuse<stepped_up>(*no);
    if (const auto no = prove_second_factor(draft, command.code, command.challenge, context,
                                            command.origin, now))
        return std::move(draft).refuse<stepped_up>(*no);

    use_challenge(draft.next, command.challenge);
    rules::raise_session(draft.next, command.proof.session, now);
    const auto reached =
        reaches_aal2(draft.next, context.rules) ? assurance_level::aal2 : assurance_level::aal1;
    return std::move(draft).grant(
        stepped_up{.session = command.proof.session, .assurance = reached});
}

std::optional<refusal> may_change(const account& current, const session_proof& proof,
                                  const policy& policy, unix_time now) {
    return rules::check_step_up(current, proof, policy, now);
}

bool is_pending(const account& current, const challenge_id& id, unix_time now) {
    const auto open = std::ranges::find(current.challenges, id, &challenge::id);
    return open != current.challenges.end() && open->expires_at > now;
}

} // namespace countersign::core
