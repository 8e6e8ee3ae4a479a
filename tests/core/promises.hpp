// What holds after every command of a random life, whatever was asked: the invariants that the
// state machine promises, checked from outside against the account before and after.
#pragma once

#include "tests/core/account_builder.hpp"

#include <set>

namespace countersign::tests {

// What was reached, so that a test cannot pass by never getting anywhere.
struct tally {
    int totp_accepted = 0, mailed_accepted = 0, backup_accepted = 0, replays_refused = 0;
    int refused_while_blocked = 0, enabled = 0, disabled = 0, sessions_opened = 0, stepped_up = 0;
    int resets = 0, addresses_changed = 0, last_factors_removed = 0, further_devices = 0;
    int codes_renewed = 0, factors_reset = 0, contact_codes_used = 0, contact_codes_killed = 0;
    int api_tokens_made = 0, requesters_refused = 0;
    int low_levels = 0, tokens_ended = 0, lives_bounded = 0;
    int failures_told = 0, reuses_told = 0, unfinished_told = 0, low_codes_told = 0, capped = 0;
};

// By what right the command under way may change second factors.
enum class right : std::uint8_t { none, step_up, requester, code, administrator };

// What the checks must know of the command under way, beside its outcome.
struct circumstances {
    std::vector<std::string> presented; // codes, right and wrong
    right by = right::none;
    core::session_proof proof;       // of a step-up
    bool of_contact_code = false;    // its misses weigh on the code alone
    bool may_reset_password = false; // its counter and all
    bool renews_backup_codes = false;
};

class promises {
public:
    promises(const account_builder& world, tally& reached) : world_(world), reached_(reached) {}

    template <typename Command, typename Success>
    void check(const core::account& before, const Command& command,
               const core::decision<Success>& made, const circumstances& now) {
        if (made.outcome.has_error() && !made.next) {
            EXPECT_EQ(after(), before);
        }
        if constexpr (requires { command.by; }) check_requester(before, command.by, refused(made));
        proved_ = false;
        check_codes(before, made.outcome.has_value(), now);
        check_sessions(before);
        check_attempts(before, refused(made), now);
        check_events(before, made.outcome.has_error(), made.events, now,
                     std::same_as<Command, core::reset_second_factor>);
        check_alerts(before, command, made);
        check_unanswered(before, refused(made));
        check_api_tokens(before);
        check_policy(before);
        if constexpr (requires { made.outcome->assurance; })
            if (made.outcome) check_level(made.outcome->assurance);
    }

    [[nodiscard]] const std::set<core::session_id>& ended_sessions() const { return ended_; }
    [[nodiscard]] const std::set<std::string>& dead_api_tokens() const { return dead_tokens_; }
    // Codes that were presented once, good or not: to be tried again.
    std::vector<std::string> old_codes;

private:
    const core::account& after() const { return world_.user; }

    // Whether the code is one that a device of the account shows near now and had not used up.
    bool is_fresh_totp_code(const core::account& account, const std::string& code) const {
        return std::ranges::any_of(account.totp, [&](const core::totp_device& device) {
            for (int away = -world_.rules.totp_window; away <= world_.rules.totp_window; ++away) {
                auto step = core::step_at(world_.now, device.parameters);
                step.value += away;
                if (step > device.last_accepted_step && world_.code_of(device, away) == code)
                    return true;
            }
            return false;
        });
    }
    bool is_backup_code(const core::account& account, const std::string& code) const {
        return std::ranges::count(account.backup_code_hashes,
                                  world_.codes.hash_backup_code(account.id, code)) == 1;
    }

    // T-34: a session or an API token that does not stand in the account gets nothing.
    template <typename Requester>
    void check_requester(const core::account& before, const Requester& by,
                         std::optional<core::refusal_reason> why) {
        bool stands = true;
        if (const auto* session = std::get_if<core::session_id>(&by))
            stands = before.find_session(*session, world_.now) != nullptr;
        if (const auto* token = std::get_if<core::api_token_hash>(&by))
            stands = std::ranges::find(before.api_tokens, token->value(), &core::api_token::hash) !=
                     before.api_tokens.end();
        if (stands) return;
        EXPECT_EQ(why, core::refusal_reason::session_ended);
        ++reached_.requesters_refused;
    }

    // T-01, T-03, T-05: what was accepted before is never accepted again; nothing is used up but by
    // the right code.
    void check_codes(const core::account& before, bool granted, const circumstances& now) {
        const auto was_presented = [&](const auto& matches) {
            return std::ranges::any_of(now.presented, matches);
        };
        for (const auto& device : after().totp) {
            const auto old = std::ranges::find(before.totp, device.id, &core::totp_device::id);
            const auto last =
                old == before.totp.end() ? core::totp_step{} : old->last_accepted_step;
            EXPECT_GE(device.last_accepted_step, last);
            if (device.last_accepted_step == last) continue;
            EXPECT_TRUE(accepted_steps_.emplace(device.id, device.last_accepted_step.value).second);
            const auto away = static_cast<int>(device.last_accepted_step.value -
                                               core::step_at(world_.now, device.parameters).value);
            EXPECT_LE(std::abs(away), world_.rules.totp_window);
            const auto right = world_.code_of(device, away);
            EXPECT_TRUE(was_presented([&](const auto& code) { return code == right; }));
            proved_ = true;
            ++reached_.totp_accepted;
        }
        if (granted && now.renews_backup_codes) {
            EXPECT_TRUE(
                now.by == right::administrator || proved_ ||
                was_presented([&](const auto& code) { return is_backup_code(before, code); }));
            for (const auto& hash : before.backup_code_hashes)
                EXPECT_EQ(std::ranges::count(after().backup_code_hashes, hash), 0);
            ++reached_.codes_renewed;
        } else if (before.has(core::factor_method::totp) &&
                   after().has(core::factor_method::totp)) {
            for (const auto& hash : before.backup_code_hashes) {
                if (std::ranges::count(after().backup_code_hashes, hash) == 1) continue;
                EXPECT_TRUE(accepted_backup_codes_.insert(hash).second);
                EXPECT_TRUE(was_presented([&](const auto& code) {
                    return world_.codes.hash_backup_code(before.id, code) == hash;
                }));
                proved_ = true;
                ++reached_.backup_accepted;
            }
            EXPECT_TRUE(before.backup_code_hashes.size() >= after().backup_code_hashes.size() ||
                        before.backup_code_hashes.empty());
        }
        for (const auto& mailed : before.codes) {
            const bool used_up =
                mailed.expires_at > world_.now && was_presented([&](const auto& code) {
                    return world_.codes.matches(mailed.hash, to_string(mailed.purpose), before.id,
                                                code);
                }) &&
                std::ranges::find(after().codes, mailed.hash, &core::mailed_code::hash) ==
                    after().codes.end();
            if (!used_up) continue;
            EXPECT_TRUE(accepted_mailed_codes_.insert(mailed.hash).second); // T-06
            if (mailed.purpose != core::code_purpose::second_factor) continue;
            proved_ = true;
            ++reached_.mailed_accepted;
        }
    }

    // T-20 to T-22, T-33, T-34: no session of level two without a proof in this very command, none
    // at all where a factor stands; what has ended does not come back.
    void check_sessions(const core::account& before) {
        for (const auto& one : after().sessions) {
            const auto old = std::ranges::find(before.sessions, one.id, &core::session::id);
            if (old == before.sessions.end()) {
                EXPECT_TRUE(proved_ || !before.has_second_factor());
                EXPECT_FALSE(ended_.contains(one.id));
                ++reached_.sessions_opened;
            }
            if (one.assurance == core::assurance_level::aal2 &&
                (old == before.sessions.end() || old->assurance == core::assurance_level::aal1)) {
                EXPECT_TRUE(proved_);
            }
            if (after().has_second_factor()) {
                EXPECT_EQ(one.assurance, core::assurance_level::aal2);
            }
        }
        for (const auto& one : before.sessions)
            if (std::ranges::find(after().sessions, one.id, &core::session::id) ==
                after().sessions.end())
                ended_.insert(one.id);
        EXPECT_LE(after().sessions.size(), world_.rules.sessions_max);
        EXPECT_LE(after().challenges.size(), world_.rules.challenges_max);
    }

    // T-10, T-13: while blocked nothing is evaluated; every miss counts; a pause comes in time.
    void check_attempts(const core::account& before, std::optional<core::refusal_reason> why,
                        const circumstances& now) {
        using enum core::refusal_reason;
        const auto& policy = world_.rules.attempts;
        const auto is_blocked = [&](const core::attempt_state& state) {
            return state.misses >= policy.lock_after || state.blocked_until > world_.now;
        };
        const bool by_administrator = now.by == right::administrator;
        if (is_blocked(before.factor_attempts) && !by_administrator) {
            EXPECT_EQ(after().factor_attempts, before.factor_attempts);
            EXPECT_EQ(after().totp, before.totp);
            EXPECT_EQ(after().backup_code_hashes, before.backup_code_hashes);
            EXPECT_EQ(after().methods(), before.methods());
            EXPECT_FALSE(proved_);
        }
        if (is_blocked(before.password_attempts)) {
            EXPECT_TRUE(after().password_attempts == before.password_attempts ||
                        now.may_reset_password || by_administrator);
        }
        if (why == blocked) {
            EXPECT_EQ(after(), before);
            ++reached_.refused_while_blocked;
        }
        const bool wrong_factor =
            (why == wrong_code || why == wrong_backup_code) && !now.of_contact_code;
        check_counter(before.factor_attempts, after().factor_attempts, wrong_factor);
        check_counter(before.password_attempts, after().password_attempts, why == wrong_password);
        if (wrong_factor && std::ranges::any_of(now.presented, [&](const auto& code) {
                return std::ranges::find(old_codes, code) != old_codes.end();
            }))
            ++reached_.replays_refused;
    }
    void check_counter(const core::attempt_state& before, const core::attempt_state& counted,
                       bool missed) {
        const auto& policy = world_.rules.attempts;
        EXPECT_LE(counted.misses, policy.lock_after);
        if (!missed) {
            EXPECT_TRUE(counted == before || counted == core::attempt_state{});
            return;
        }
        EXPECT_EQ(counted.misses, before.misses + 1);
        if (counted.misses % policy.pause_after == 0) {
            EXPECT_GE(counted.blocked_until, world_.now + policy.first_pause);
        }
    }

    // Every change of factors is one alert, and nothing else is.
    void check_events(const core::account& before, bool was_refused,
                      const std::vector<core::event>& events, const circumstances& now,
                      bool is_reset) {
        using core::event_type;
        int added = 0, removed = 0, reset = 0;
        for (const auto& event : events) {
            EXPECT_TRUE(event_ids_.insert(event.id).second);
            EXPECT_EQ(core::event_from_json(to_json(event)).value(), event);
            added += event.type == event_type::two_factor_added;
            removed += event.type == event_type::two_factor_removed;
            // Without recipients: one that took nothing, for the account's history.
            reset += event.type == event_type::second_factor_reset && !event.recipients.empty();
            if (was_refused) {
                EXPECT_TRUE(event.type == event_type::sign_in_blocked ||
                            event.type == event_type::second_factor_failed ||
                            event.type == event_type::code_reused);
            }
        }
        int turned_on = 0, turned_off = 0;
        for (const auto& device : after().totp)
            turned_on += std::ranges::find(before.totp, device.id, &core::totp_device::id) ==
                         before.totp.end();
        reached_.further_devices += turned_on > 0 && before.has(core::factor_method::totp);
        using enum core::factor_method;
        turned_on += after().has(email) && !before.has(email);
        for (const auto method : {totp, email})
            turned_off += before.has(method) && !after().has(method);
        if (is_reset) {
            EXPECT_EQ(added + removed, 0);
            EXPECT_EQ(turned_on, 0);
            EXPECT_EQ(reset, !was_refused && before.has_second_factor());
            reached_.factors_reset += reset;
            return;
        }
        EXPECT_EQ(added, turned_on);
        EXPECT_EQ(removed, turned_off);
        EXPECT_EQ(reset, 0);
        if (before.has_second_factor() && !after().has_second_factor()) {
            EXPECT_FALSE(world_.rules.require_second_factor);
            EXPECT_NE(now.by, right::step_up); // native contract section 3.5
            ++reached_.last_factors_removed;
        }
        if (turned_on + turned_off > 0) check_right(before, turned_off > 0, now);
        reached_.enabled += turned_on;
        reached_.disabled += turned_off;
    }

    // What may come often is told at most once an hour; the other alerts come with what they tell.
    template <typename Command, typename Success>
    void check_alerts(const core::account& before, const Command&,
                      const core::decision<Success>& made) {
        using core::event_type;
        using enum core::refusal_reason;
        const auto told = [&](event_type type) {
            return std::ranges::count(made.events, type, &core::event::type);
        };
        const auto hour_has_passed = [&](core::unix_time& last) {
            const bool passed = last + std::chrono::hours(1) <= world_.now;
            last = world_.now;
            return passed;
        };
        const auto why = refused(made);
        const bool wrong = why == wrong_code || why == wrong_backup_code;
        constexpr bool by_the_clock = std::same_as<Command, core::notice_unfinished_logins>;
        if (told(event_type::second_factor_failed) > 0) {
            EXPECT_TRUE(by_the_clock || wrong);
            EXPECT_TRUE(hour_has_passed(failure_told_));
            reached_.failures_told += !by_the_clock;
            reached_.unfinished_told += by_the_clock;
        }
        if (told(event_type::code_reused) > 0) {
            EXPECT_EQ(why, wrong_code);
            EXPECT_TRUE(hour_has_passed(reuse_told_));
            ++reached_.reuses_told;
        }
        const bool used = told(event_type::recovery_code_used) > 0;
        EXPECT_EQ(told(event_type::recovery_codes_low), used && low_after_use(before) ? 1 : 0);
        reached_.low_codes_told += told(event_type::recovery_codes_low) > 0;
        constexpr bool by_request = std::same_as<Command, core::end_all_sessions>;
        constexpr bool by_a_backend = std::same_as<Command, core::terminate_sessions>;
        EXPECT_EQ(told(event_type::sessions_ended), by_a_backend || (by_request && !why) ? 1 : 0);
        // A pending login is completed, called off with everything else, or told of.
        if (core::notice_due(before) && by_the_clock) {
            EXPECT_EQ(*core::notice_due(before) <= world_.now, made.next.has_value());
            EXPECT_FALSE(after().unfinished);
        }
    }
    // Taking a code away may have gone with it (renewal, removal), so it is counted from before.
    static bool low_after_use(const core::account& before) {
        const auto left = before.backup_code_hashes.size() - 1;
        return left == 3 || left == 0;
    }

    // T-16: beyond the cap nothing is begun.
    void check_unanswered(const core::account& before, std::optional<core::refusal_reason> why) {
        int begun = 0;
        for (const auto& slot : after().unanswered)
            if (slot.at > world_.now - std::chrono::hours(1)) begun += slot.count;
        EXPECT_LE(begun, world_.rules.challenges_per_hour);
        if (begun == world_.rules.challenges_per_hour) {
            EXPECT_LE(after().challenges.size(),
                      std::max<std::size_t>(before.challenges.size() + 1, 1));
            reached_.capped += why == core::refusal_reason::blocked;
        }
        for (const auto& slot : after().unanswered)
            EXPECT_GT(slot.count, 0);
    }

    // T-30: where a factor stood, a change took the proof that its path asks for.
    void check_right(const core::account& before, bool removed, const circumstances& now) {
        const bool stood = before.has_second_factor();
        switch (now.by) {
        case right::none:
            ADD_FAILURE() << "no right to change factors";
            return;
        case right::step_up: {
            EXPECT_TRUE(now.proof.step_up.has_value());
            const auto* session = before.find_session(now.proof.session, world_.now);
            ASSERT_NE(session, nullptr);
            EXPECT_TRUE(!stood || session->assurance == core::assurance_level::aal2);
            return;
        }
        case right::requester: // adds only, and has proved what it adds
            EXPECT_FALSE(removed);
            EXPECT_TRUE(proved_);
            return;
        case right::code:
            EXPECT_TRUE(proved_ || std::ranges::any_of(now.presented, [&](const auto& code) {
                            return is_fresh_totp_code(before, code) || is_backup_code(before, code);
                        }));
            return;
        case right::administrator:
            return;
        }
    }

    // Where e-mail is no factor, nobody turns it on, and it takes no session to level 2.
    void check_level(core::assurance_level reached) {
        const bool by_mail_alone = !world_.rules.email_factor && after().has_second_factor() &&
                                   !after().has(core::factor_method::totp);
        if (!by_mail_alone) return;
        EXPECT_EQ(reached, core::assurance_level::aal1);
        ++reached_.low_levels;
    }
    void check_policy(const core::account& before) {
        const auto& rules = world_.rules;
        using enum core::factor_method;
        if (!rules.email_factor && !before.has(email)) EXPECT_FALSE(after().has(email));
        if (rules.enrolment_ends_api_tokens && !before.has_second_factor() &&
            after().has_second_factor()) {
            EXPECT_TRUE(after().api_tokens.empty());
            reached_.tokens_ended += !before.api_tokens.empty();
        }
        if (rules.tokens.session == core::seconds(0)) return;
        for (const auto& one : after().sessions) {
            const auto old = std::ranges::find(before.sessions, one.id, &core::session::id);
            if (old == before.sessions.end() || old->expires_at != one.expires_at) {
                EXPECT_LE(one.expires_at, one.created_at + rules.tokens.session);
                ++reached_.lives_bounded;
            }
        }
    }

    void check_api_tokens(const core::account& before) {
        EXPECT_LE(after().api_tokens.size(), world_.rules.api_tokens_max);
        for (const auto& token : before.api_tokens)
            if (std::ranges::find(after().api_tokens, token) == after().api_tokens.end())
                dead_tokens_.insert(token.hash);
        for (const auto& token : after().api_tokens)
            EXPECT_FALSE(dead_tokens_.contains(token.hash));
        reached_.api_tokens_made += after().api_tokens.size() > before.api_tokens.size();
    }

    const account_builder& world_;
    tally& reached_;
    bool proved_ = false; // a second factor, by the command under way

    std::set<std::pair<core::factor_id, std::int64_t>> accepted_steps_;
    std::set<std::string> accepted_backup_codes_, accepted_mailed_codes_, dead_tokens_;
    std::set<core::session_id> ended_;
    std::set<core::event_id> event_ids_;
    core::unix_time failure_told_, reuse_told_;
};

} // namespace countersign::tests
