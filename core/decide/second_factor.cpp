#include "core/decide/second_factor.hpp"

#include "core/decide/assurance.hpp"

#include <algorithm>

namespace countersign::core {

namespace {

// What is begun is counted in slots, so that a day of it stays small: of some minutes in the last
// hour, of hours before. A slot counts as long as the latest in it, so no window is ever exceeded.
constexpr auto late_slot = std::chrono::minutes(6);
constexpr auto early_slot = std::chrono::hours(1);
constexpr auto hour = std::chrono::hours(1);
constexpr auto day = std::chrono::hours(24);

bool in_one_slot(unix_time one, unix_time other, milliseconds length) {
    return one.time_since_epoch() / length == other.time_since_epoch() / length;
}

void count_begun(std::vector<begun_challenges>& slots, unix_time now) {
    // Clocks of several servers differ a little: the list stays in order all the same.
    const auto at = slots.empty() ? now : std::max(now, slots.back().at);
    if (slots.empty() || !in_one_slot(slots.back().at, at, late_slot)) slots.push_back({.at = at});
    slots.back().at = at;
    ++slots.back().count;
    for (std::size_t later = 1; later < slots.size() && slots[later].at <= now - hour;) {
        if (!in_one_slot(slots[later - 1].at, slots[later].at, early_slot)) {
            ++later;
            continue;
        }
        slots[later].count += slots[later - 1].count;
        slots.erase(slots.begin() + static_cast<std::ptrdiff_t>(later) - 1);
    }
}

// When there is room in a window for one more; at the latest now, if there is.
unix_time room_at(const std::vector<begun_challenges>& slots, int limit, milliseconds window,
                  unix_time now) {
    int begun = 0;
    for (const auto& slot : slots)
        if (slot.at > now - window) begun += slot.count;
    auto room = now;
    for (auto slot = slots.begin(); begun >= limit && slot != slots.end(); ++slot) {
        if (slot->at <= now - window) continue;
        begun -= slot->count;
        room = slot->at + window;
    }
    return room;
}

} // namespace

std::optional<refusal> check_unanswered(const account& account, const policy& policy,
                                        unix_time now) {
    const auto& begun = account.unanswered;
    const auto room = std::max(room_at(begun, policy.challenges_per_hour, hour, now),
                               room_at(begun, policy.challenges_per_day, day, now));
    if (room <= now) return std::nullopt;
    return refusal{refusal_reason::blocked, std::chrono::ceil<seconds>(room - now)};
}

second_factor_pending begin_challenge(rules::draft& draft, challenge pending,
                                      const sealed_code& mail, const context& context,
                                      const request_origin& origin, unix_time now) {
    const auto id = pending.id;
    if (pending.purpose == challenge_purpose::login) pending.client = origin.client;
    pending.begun_at = now;
    pending.expires_at = now + context.rules.tokens.two_factor;
    rules::add_challenge(draft.next, std::move(pending), context.rules);
    count_begun(draft.next.unanswered, now);
    bool mailed = false;
    if (draft.next.preferred == factor_method::email &&
        takes_mailed_codes(draft.next, context.rules))
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
    const auto used = std::ranges::find(account.challenges, id, &challenge::id);
    auto& slots = account.unanswered;
    const auto slot = std::ranges::lower_bound(slots, used->begun_at, {}, &begun_challenges::at);
    if (slot != slots.end() && --slot->count == 0) slots.erase(slot);
    account.challenges.erase(used);
}

void tell_of_failure(rules::draft& draft, const refusal& why, const context& context,
                     const request_origin& origin, unix_time now) {
    if (why.reason != refusal_reason::wrong_code && why.reason != refusal_reason::wrong_backup_code)
        return;
    rules::alert_hourly(draft,
                        rules::make_event(draft, event_type::second_factor_failed, origin, now),
                        &account::failure_told_at, context.rules, now);
}

std::optional<refusal> prove_second_factor(rules::draft& draft, const presented_code& code,
                                           const challenge_id& made_for, const context& context,
                                           const request_origin& origin, unix_time now) {
    const auto& account = draft.next;
    if (!code.any && !code.totp && !code.email) return refusal{refusal_reason::no_code};
    if (!account.has_second_factor()) return refusal{refusal_reason::no_second_factor};
    if (code.any) {
        const auto proved = rules::prove_any_code(draft, *code.any, rules::mailed_codes::count,
                                                  made_for, context, origin, now);
        if (proved.has_error()) return proved.error();
        return std::nullopt;
    }

    if (account.has(factor_method::totp) && code.totp)
        return rules::prove_totp(draft, *code.totp, context, origin, now);
    const bool email_counts =
        takes_mailed_codes(account, context.rules) &&
        (!account.has(factor_method::totp) || account.preferred == factor_method::email);
    if (email_counts && code.email)
        return rules::prove_mailed_code(draft, bound_code(*code.email, made_for, context.rules),
                                        context, origin, now);
    return refusal{refusal_reason::no_code};
}

} // namespace countersign::core
