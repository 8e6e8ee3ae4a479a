#include "core/decide/rules.hpp"

#include "core/decide/assurance.hpp"

#include <algorithm>

namespace countersign::core::rules {

namespace {

constexpr auto budget_hour = std::chrono::hours(1);
constexpr auto budget_day = std::chrono::hours(24);
// How long a dead code is remembered, to be answered "expired" rather than "wrong".
constexpr auto expired_code_memory = std::chrono::hours(1);
constexpr auto between_alerts = std::chrono::hours(1);
constexpr int few_backup_codes = 3;

// Rounded up, so that who waits as long as told is not too early.
seconds until(unix_time later, unix_time now) {
    return std::chrono::ceil<seconds>(later - now);
}

void reset(attempt_state& state) {
    state = {};
}

enum class totp_match : std::uint8_t { none, used_before, accepted };

// Each uses the code up if it is right; none counts a miss.
totp_match match_totp(draft& draft, std::string_view code, const context& context, unix_time now) {
    auto best = totp_match::none;
    for (auto& device : draft.next.totp) {
        const auto secret =
            context.keys.open(device.sealed_secret, totp_secret_context(draft.next.id, device.id));
        // A secret that cannot be opened is an operator's fault (a lost key), not a wrong code:
        // fail closed and loudly rather than count a miss.
        if (secret.has_error()) throw std::runtime_error("a TOTP secret cannot be decrypted");
        const auto& bytes = secret->reveal();
        const auto step = matching_step(std::as_bytes(std::span(bytes)), device.parameters, code,
                                        now, context.rules.totp_window);
        if (!step) continue;
        if (*step > device.last_accepted_step) {
            device.last_accepted_step = *step;
            return totp_match::accepted;
        }
        best = totp_match::used_before;
    }
    return best;
}

// A TOTP code that did not count: a miss, and of one that was used before the holder hears.
void refuse_totp(draft& draft, totp_match match, const context& context,
                 const request_origin& origin, unix_time now) {
    count_miss(draft, &account::factor_attempts, context, origin, now);
    if (match == totp_match::used_before)
        alert_hourly(draft, make_event(draft, event_type::code_reused, origin, now),
                     &account::reuse_told_at, context.rules, now);
}

void drop_lone_backup_codes(account& account) {
    if (account.totp.empty() && account.passkeys.empty()) account.backup_code_hashes.clear();
}

bool match_backup_code(draft& draft, std::string_view code, const context& context,
                       const request_origin& origin, unix_time now) {
    auto& hashes = draft.next.backup_code_hashes;
    if (hashes.empty()) return false;
    const auto forms = context.codes.stored_forms_of_backup_code(draft.next.id, code);
    // Every stored hash is compared, so that the time says nothing about the position.
    std::optional<std::size_t> found;
    std::size_t place = 0;
    for (const auto& stored : hashes) {
        for (const auto& form : forms)
            if (equal_in_constant_time(stored, form)) found = place;
        ++place;
    }
    if (!found) return false;
    hashes.erase(*found);
    const auto left = static_cast<int>(hashes.size());
    const auto tell = [&](event_type type) {
        auto told = make_event(draft, type, origin, now);
        told.remaining_codes = left;
        alert(draft, std::move(told), context.rules);
    };
    tell(event_type::recovery_code_used);
    if (left == few_backup_codes || left == 0) tell(event_type::recovery_codes_low);
    return true;
}

} // namespace

draft::draft(const account& current, unix_time now) : next(current) {
    std::erase_if(next.sessions, [now](const session& one) { return one.expires_at <= now; });
    for (const auto& open : next.challenges)
        if (open.expires_at <= now) note_unfinished(next, open);
    std::erase_if(next.challenges, [&](const challenge& open) {
        const bool orphaned = open.purpose == challenge_purpose::step_up &&
                              next.find_session(open.session, now) == nullptr;
        return orphaned || open.expires_at <= now;
    });
    std::erase_if(next.unanswered,
                  [now](const begun_challenges& begun) { return begun.at <= now - budget_day; });
    std::erase_if(next.mails, [now](const sent_mail& mail) { return mail.at <= now - budget_day; });
    std::erase_if(next.codes, [now](const mailed_code& code) {
        return code.expires_at <= now - expired_code_memory;
    });
    if (next.enrolment && next.enrolment->expires_at <= now - expired_code_memory)
        next.enrolment.reset();
    if (next.passkey_enrolment && next.passkey_enrolment->expires_at <= now - expired_code_memory)
        next.passkey_enrolment.reset();
    if (next.passkey_challenge && next.passkey_challenge->expires_at <= now)
        next.passkey_challenge.reset();
}

std::optional<refusal> check_requester(const account& account, const requester& by, unix_time now) {
    if (const auto* session = std::get_if<session_id>(&by))
        return check_session(account, {.session = *session}, now);
    if (const auto* token = std::get_if<api_token_hash>(&by)) {
        bool stands = false;
        for (const auto& one : account.api_tokens)
            stands = is_hash_of(*token, one.hash) || stands;
        if (!stands) return refusal{refusal_reason::session_ended};
    }
    return std::nullopt;
}

std::optional<refusal> check_authority(const account& account, const authority& by,
                                       const policy& policy, unix_time now) {
    if (const auto* proof = std::get_if<session_proof>(&by))
        return check_step_up(account, *proof, policy, now);
    if (const auto* session = std::get_if<session_id>(&by))
        return check_requester(account, *session, now);
    if (const auto* token = std::get_if<api_token_hash>(&by))
        return check_requester(account, *token, now);
    return std::nullopt;
}

std::optional<refusal> check_session(const account& account, const session_proof& proof,
                                     unix_time now) {
    if (account.find_session(proof.session, now) == nullptr)
        return refusal{refusal_reason::session_ended};
    return std::nullopt;
}

std::optional<refusal> check_step_up(const account& account, const session_proof& proof,
                                     const policy& policy, unix_time now) {
    const auto* session = account.find_session(proof.session, now);
    if (session == nullptr) return refusal{refusal_reason::session_ended};
    if (proof.step_up.has_error()) {
        switch (proof.step_up.error()) {
        case token_error::missing:
            return refusal{refusal_reason::step_up_missing};
        case token_error::malformed:
            return refusal{refusal_reason::step_up_malformed};
        case token_error::expired:
            return refusal{refusal_reason::step_up_expired};
        }
    }
    const auto& claims = *proof.step_up;
    if (claims.subject != account.id || claims.session != session->id)
        return refusal{refusal_reason::step_up_malformed};
    // A step-up made with the password alone counts until a factor exists; after that only if this
    // very session has proved a factor since. Where that factor is a mailed code that counts for
    // level 1, every session that stands has proved it, and a step-up asks for it.
    const bool proved_since =
        session->second_factor_at && *session->second_factor_at >= claims.issued_at;
    if (reaches_aal2(account, policy) && claims.assurance < assurance_level::aal2 && !proved_since)
        return refusal{refusal_reason::step_up_malformed};
    return std::nullopt;
}

std::optional<refusal> check_attempts(const attempt_state& state, const attempt_policy& policy,
                                      unix_time now) {
    if (state.misses >= policy.lock_after)
        return refusal{refusal_reason::blocked, policy.longest_pause};
    if (state.blocked_until > now)
        return refusal{refusal_reason::blocked, until(state.blocked_until, now)};
    return std::nullopt;
}

void count_miss(draft& draft, attempt_state account::* counter, const context& context,
                const request_origin& origin, unix_time now) {
    const auto& policy = context.rules.attempts;
    auto& state = draft.next.*counter;
    ++state.misses;
    draft.counts_when_refused = true;
    if (state.misses % policy.pause_after != 0 && state.misses < policy.lock_after) return;

    const int pauses = state.misses / policy.pause_after;
    auto pause = policy.first_pause;
    for (int doubled = 1; doubled < pauses && pause < policy.longest_pause; ++doubled)
        pause *= 2;
    state.blocked_until = now + std::min(pause, policy.longest_pause);
    if (pauses == 1 || state.misses == policy.lock_after)
        alert(draft, event_type::sign_in_blocked, context, origin, now);
}

std::optional<refusal> prove_password(draft& draft, const password_check& check,
                                      const context& context, const request_origin& origin,
                                      unix_time now) {
    auto& account = draft.next;
    if (auto no = check_attempts(account.password_attempts, context.rules.attempts, now)) return no;
    // Another login may have put the very same replacement into force since the check was made.
    const bool of_this_account = check.hash_checked_against == account.password_hash ||
                                 check.replacement == account.password_hash;
    if (!check.matched || account.password_hash.empty() || !of_this_account) {
        count_miss(draft, &account::password_attempts, context, origin, now);
        return refusal{refusal_reason::wrong_password};
    }
    if (!check.replacement.empty()) account.password_hash = check.replacement;
    reset(account.password_attempts);
    return std::nullopt;
}

std::optional<refusal> prove_totp(draft& draft, std::string_view code, const context& context,
                                  const request_origin& origin, unix_time now) {
    auto& account = draft.next;
    if (auto no = check_attempts(account.factor_attempts, context.rules.attempts, now)) return no;
    const auto match = match_totp(draft, code, context, now);
    if (match != totp_match::accepted) {
        refuse_totp(draft, match, context, origin, now);
        return refusal{refusal_reason::wrong_code};
    }
    reset(account.factor_attempts);
    return std::nullopt;
}

std::optional<refusal> prove_mailed_code(draft& draft, std::string_view code,
                                         const context& context, const request_origin& origin,
                                         unix_time now) {
    auto& account = draft.next;
    if (auto no = check_attempts(account.factor_attempts, context.rules.attempts, now)) return no;
    const auto redeemed = redeem(account, code_purpose::second_factor, code, context.codes, now);
    if (redeemed.has_value()) {
        reset(account.factor_attempts);
        return std::nullopt;
    }
    // An expired code was not evaluated, so it is no miss.
    if (redeemed.error() == refusal_reason::wrong_code)
        count_miss(draft, &account::factor_attempts, context, origin, now);
    return refusal{redeemed.error()};
}

std::optional<refusal> prove_backup_code(draft& draft, std::string_view code,
                                         const context& context, const request_origin& origin,
                                         unix_time now) {
    auto& account = draft.next;
    if (auto no = check_attempts(account.factor_attempts, context.rules.attempts, now)) return no;
    if (!match_backup_code(draft, code, context, origin, now)) {
        count_miss(draft, &account::factor_attempts, context, origin, now);
        return refusal{refusal_reason::wrong_backup_code};
    }
    reset(account.factor_attempts);
    return std::nullopt;
}

boost::system::result<proof_method, refusal>
prove_any_code(draft& draft, std::string_view code, mailed_codes mailed,
               const challenge_id& made_for, const context& context, const request_origin& origin,
               unix_time now) {
    auto& account = draft.next;
    if (const auto no = check_attempts(account.factor_attempts, context.rules.attempts, now))
        return *no;
    const auto proved = [&](proof_method method) {
        reset(account.factor_attempts);
        return method;
    };
    const auto match = match_totp(draft, code, context, now);
    if (match == totp_match::accepted) return proved(proof_method::totp);
    bool expired = false;
    if (mailed == mailed_codes::count && takes_mailed_codes(account, context.rules)) {
        const auto redeemed = redeem(account, code_purpose::second_factor,
                                     bound_code(code, made_for, context.rules), context.codes, now);
        if (redeemed.has_value()) return proved(proof_method::email);
        expired = redeemed.error() == refusal_reason::code_expired;
    }
    if (match_backup_code(draft, code, context, origin, now))
        return proved(proof_method::backup_code);
    // With the e-mail factor alone an expired code was not evaluated, so it is no miss.
    if (expired && account.totp.empty()) return refusal{refusal_reason::code_expired};
    refuse_totp(draft, match, context, origin, now);
    return refusal{refusal_reason::wrong_code};
}

std::optional<refusal> prove_contact_code(draft& draft, code_purpose purpose, std::string_view code,
                                          const context& context, unix_time now) {
    auto& account = draft.next;
    if (auto no = check_attempts(account.factor_attempts, context.rules.attempts, now)) return no;
    const auto live = std::ranges::find(account.codes, purpose, &mailed_code::purpose);
    // What went to another address (the link of a change) proves nothing about the present one.
    if (live == account.codes.end() || live->address != account.email)
        return refusal{refusal_reason::code_not_mailed};
    const auto redeemed = redeem(account, purpose, code, context.codes, now);
    if (redeemed.has_value()) return std::nullopt;
    if (redeemed.error() == refusal_reason::wrong_code) {
        draft.counts_when_refused = true;
        if (++live->misses >= context.rules.attempts.pause_after) account.codes.erase(live);
    }
    return refusal{redeemed.error()};
}

seconds mail_wait(const account& account, code_purpose purpose, mail_asker asker,
                  const policy& policy, unix_time now) {
    std::vector<unix_time> all, own; // oldest first
    for (const auto& mail : account.mails) {
        all.push_back(mail.at);
        if (mail.purpose == purpose) own.push_back(mail.at);
    }
    unix_time free_at = own.empty() ? now : std::max(now, own.back() + policy.mail_cooldown);
    const auto wait_while_full = [&](const std::vector<unix_time>& times, int count, auto window) {
        if (count < 1 || std::ssize(times) < count) return;
        free_at = std::max(free_at, times[times.size() - static_cast<std::size_t>(count)] + window);
    };
    // What strangers ask for leaves two fifths of the budget, and resets, which are anybody's to
    // ask for, take half of it at the most: nobody else can keep an account from the codes that its
    // holder needs.
    const auto share = [asker](int budget) {
        return asker == mail_asker::anybody ? std::max(1, budget - budget * 2 / 5) : budget;
    };
    wait_while_full(all, share(policy.mails_per_hour), budget_hour);
    wait_while_full(all, share(policy.mails_per_day), budget_day);
    if (purpose == code_purpose::reset_password) {
        wait_while_full(own, std::max(1, policy.mails_per_hour / 2), budget_hour);
        wait_while_full(own, std::max(1, policy.mails_per_day / 2), budget_day);
    }
    return until(free_at, now);
}

boost::system::result<seconds, refusal> send_code(draft& draft, const mail_request& mail,
                                                  const context& context,
                                                  const request_origin& origin, unix_time now) {
    auto& next = draft.next;
    if (const auto wait = mail_wait(next, mail.purpose, mail.asker, context.rules, now);
        wait > seconds(0))
        return refusal{refusal_reason::mail_too_soon, wait};

    std::erase_if(next.codes,
                  [&](const mailed_code& code) { return code.purpose == mail.purpose; });
    next.codes.push_back({.purpose = mail.purpose,
                          .hash = mail.code.hash,
                          .expires_at = now + mail.life,
                          .address = mail.address});
    // Clocks of several servers differ a little: the list stays in order all the same.
    const auto sent_at = next.mails.empty() ? now : std::max(now, next.mails.back().at);
    next.mails.push_back({.purpose = mail.purpose, .at = sent_at});

    auto message = make_event(draft, mail.type, origin, now);
    message.recipients = {mail.address};
    message.sealed_secret = mail.code.sealed;
    message.expires_at = now + mail.life;
    draft.events.push_back(std::move(message));
    return context.rules.mail_cooldown;
}

boost::system::result<mailed_code, refusal_reason> redeem(account& account, code_purpose purpose,
                                                          std::string_view secret,
                                                          const code_hasher& codes, unix_time now) {
    const auto live = std::ranges::find(account.codes, purpose, &mailed_code::purpose);
    if (live == account.codes.end()) return refusal_reason::wrong_code;
    if (live->expires_at <= now) return refusal_reason::code_expired;
    if (!codes.matches(live->hash, to_string(purpose), account.id, secret))
        return refusal_reason::wrong_code;

    auto redeemed = std::move(*live);
    account.codes.erase(live);
    // Who answers a mail wanted it: it no longer weighs on the budget or the cooldown.
    std::erase_if(account.mails, [&](const sent_mail& mail) { return mail.purpose == purpose; });
    return redeemed;
}

unix_time end_of_session(unix_time begun, seconds life, const token_lives& lives, unix_time now) {
    const auto idle_end = now + life;
    return lives.session > seconds(0) ? std::min(idle_end, begun + lives.session) : idle_end;
}

session& open_session(account& account, const session_material& material, assurance_level level,
                      const context& context, const request_origin& origin, unix_time now) {
    while (account.sessions.size() >= context.rules.sessions_max)
        end_session(account, session_id(account.sessions.front().id));
    session opened{.id = material.session,
                   .refresh_hash = context.codes.hash("refresh", account.id, material.refresh_id),
                   .assurance = level,
                   .second_factor_at = std::nullopt,
                   .client = origin.client,
                   .created_at = now,
                   .last_seen = now,
                   .expires_at = end_of_session(now, material.life, context.rules.tokens, now)};
    if (level >= assurance_level::aal2) opened.second_factor_at = now;
    account.last_active = now;
    return account.sessions.emplace_back(std::move(opened));
}

void end_session(account& account, const session_id& ended) {
    std::erase_if(account.sessions, [&](const session& one) { return one.id == ended; });
    std::erase_if(account.challenges, [&](const challenge& open) {
        return open.purpose == challenge_purpose::step_up && open.session == ended;
    });
}

void end_sessions(account& account, const session_id& kept) {
    std::erase_if(account.sessions, [&](const session& one) { return one.id != kept; });
    account.challenges.clear();
}

void end_other_sessions(account& account, const authority& by, unix_time now) {
    session_id kept;
    if (const auto* proof = std::get_if<session_proof>(&by)) kept = proof->session;
    if (const auto* session = std::get_if<session_id>(&by)) kept = *session;
    end_sessions(account, kept);
    if (!kept.empty()) raise_session(account, kept, now);
}

void end_earlier_api_tokens(account& account, const core::account& before, const policy& policy) {
    if (policy.enrolment_ends_api_tokens && !reaches_aal2(before, policy))
        account.api_tokens.clear();
}

void settle_preference(account& account) {
    if (account.preferred && account.has(*account.preferred)) return;
    account.preferred.reset();
    const auto on = account.code_methods();
    if (!on.empty()) account.preferred = on.front();
}

std::optional<refusal> check_email_factor(const policy& policy) {
    if (policy.email_factor) return std::nullopt;
    return refusal{refusal_reason::method_forbidden};
}

std::optional<refusal> check_removal(const account& current, factor_method method,
                                     const context& context) {
    if (!context.rules.require_second_factor || !current.has(method)) return std::nullopt;
    auto without = current;
    switch (method) {
    case factor_method::totp:
        without.totp.clear();
        break;
    case factor_method::email:
        without.email_factor_since.reset();
        break;
    case factor_method::passkey:
        without.passkeys.clear();
        break;
    }
    if (reaches_aal2(without, context.rules)) return std::nullopt;
    return refusal{refusal_reason::only_method};
}

void clear_totp(account& account) {
    account.totp.clear();
    drop_lone_backup_codes(account);
    settle_preference(account);
}

void remove_passkey(account& account, const passkey_id& removed) {
    std::erase_if(account.passkeys, [&](const passkey& key) { return key.id == removed; });
    if (account.passkeys.empty()) account.passkey_challenge.reset();
    drop_lone_backup_codes(account);
}

void clear_passkeys(account& account) {
    account.passkeys.clear();
    account.passkey_enrolment.reset();
    account.passkey_challenge.reset();
    drop_lone_backup_codes(account);
}

void clear_email_factor(account& account) {
    account.email_factor_since.reset();
    std::erase_if(account.codes, [](const mailed_code& code) {
        return code.purpose == code_purpose::second_factor;
    });
    settle_preference(account);
}

void announce_factor(draft& draft, event_type type, factor_method method, std::string label,
                     const context& context, const request_origin& origin, unix_time now) {
    auto change = make_event(draft, type, origin, now);
    change.method = to_string(method);
    change.label = std::move(label);
    alert(draft, std::move(change), context.rules);
}

void raise_session(account& account, const session_id& id, unix_time now) {
    const auto session = std::ranges::find(account.sessions, id, &session::id);
    session->assurance = assurance_level::aal2;
    session->second_factor_at = now;
    session->last_seen = now;
    account.last_active = now;
}

void note_unfinished(account& account, const challenge& login) {
    if (login.purpose != challenge_purpose::login || account.unfinished) return;
    // One that an earlier server began does not say when.
    const auto at = login.begun_at == unix_time{} ? login.expires_at : login.begun_at;
    account.unfinished = unfinished_login{.at = at, .client = login.client};
}

void add_challenge(account& account, challenge pending, const policy& policy) {
    while (account.challenges.size() >= policy.challenges_max) {
        note_unfinished(account, account.challenges.front());
        account.challenges.erase(account.challenges.begin());
    }
    account.challenges.push_back(std::move(pending));
}

void change_email(draft& draft, const std::string& address, const context& context,
                  const request_origin& origin, unix_time now) {
    auto& next = draft.next;
    auto change = make_event(draft, event_type::email_changed, origin, now);
    change.old_email = next.email;
    change.new_email = address;
    std::erase(change.recipients, address); // it may have been told of alerts before
    change.recipients.insert(change.recipients.begin() + 1, address); // after the old one
    alert(draft, std::move(change), context.rules);
    next.email = address;
    next.email_verified = false;
    next.pending_email.clear();
    // A code on its way to the old address proves nothing about the new one.
    std::erase_if(next.codes, [&](const mailed_code& code) { return code.address != next.email; });
}

event make_event(const draft& draft, event_type type, const request_origin& origin, unix_time now) {
    const auto& account = draft.next;
    event made;
    // One request may cause several events: the request's nonce with a running number.
    constexpr std::string_view digits = "0123456789abcdef";
    made.id = event_id(origin.nonce.substr(0, 31) + digits[draft.events.size() % digits.size()]);
    made.type = type;
    made.account = account.id;
    made.at = now;
    made.recipients = {account.email};
    for (const auto& address : account.notification_addresses)
        if (address != account.email) made.recipients.push_back(address);
    made.name = account.name;
    made.locale = origin.locale.empty() ? account.locale : origin.locale;
    made.ip = origin.client.ip;
    made.browser = origin.client.browser;
    made.os = origin.client.os;
    made.by = origin.by;
    return made;
}

void alert(draft& draft, event event, const policy& policy) {
    // What nobody is to be mailed still belongs into the account's history.
    if (!policy.alert_on(event.type)) event.recipients.clear();
    draft.events.push_back(std::move(event));
}

void alert(draft& draft, event_type type, const context& context, const request_origin& origin,
           unix_time now) {
    alert(draft, make_event(draft, type, origin, now), context.rules);
}

void alert_hourly(draft& draft, event event, unix_time account::* told_at, const policy& policy,
                  unix_time now) {
    auto& last = draft.next.*told_at;
    if (last + between_alerts > now) return;
    last = now;
    alert(draft, std::move(event), policy);
}

} // namespace countersign::core::rules
