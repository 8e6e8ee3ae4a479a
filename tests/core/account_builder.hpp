// A small world for tests of the state machine: one account, a clock that only the test moves,
// keys, and seeded randomness. Every command that is run is applied, as a commit would.
#pragma once

#include "core/api_token.hpp"
#include "core/crypto/encoding.hpp"
#include "core/decide/api_tokens.hpp"
#include "core/decide/factors.hpp"
#include "core/decide/login.hpp"
#include "core/decide/profile.hpp"
#include "core/decide/registration.hpp"
#include "core/decide/step_up.hpp"
#include "core/decide/subjects.hpp"
#include "core/totp.hpp"
#include "tests/core/seeded_random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::tests {

// The reason for which a decision or a check refused; nullopt if it did not.
template <typename Success>
std::optional<core::refusal_reason> refused(const core::decision<Success>& made) {
    if (made.outcome.has_value()) return std::nullopt;
    return made.outcome.error().reason;
}
inline std::optional<core::refusal_reason> refused(const std::optional<core::refusal>& check) {
    if (!check) return std::nullopt;
    return check->reason;
}

class account_builder {
public:
    explicit account_builder(std::uint64_t seed = 1) : random(seed) {
        user.id = core::make_account_id(random);
        user.email = "ada@example.org";
        user.email_verified = true;
        user.name = "Ada";
        user.password_hash = "hash-of-the-password";
        user.created_at = now;
    }

    core::policy rules;
    seeded_random random;
    core::key_ring keys = make_keys();
    core::code_hasher codes{core::secret_key(std::array<std::byte, 32>{})};
    core::unix_time now{core::seconds{1'800'000'015}}; // the middle of a step
    core::account user;
    std::vector<core::event> events;       // of every command that was run
    std::vector<std::string> backup_codes; // of the enrolled device
    core::client_info client{.ip = "192.0.2.1", .browser = "Firefox", .os = "Linux"};

    [[nodiscard]] core::context context() const {
        return {.rules = rules, .keys = keys, .codes = codes};
    }
    [[nodiscard]] core::request_origin origin() { return core::make_origin(client, "", random); }

    template <typename Command>
    [[nodiscard]] auto decision_about(const Command& command) const {
        if constexpr (requires { decide(user, command, rules, now); })
            return decide(user, command, rules, now);
        else
            return decide(user, command, context(), now);
    }
    // Decides and, as a commit would, makes the outcome the present state.
    template <typename Command>
    auto run(const Command& command) {
        auto made = decision_about(command);
        if (made.next) {
            if (const auto broken = core::check_invariants(*made.next))
                throw std::logic_error("a decision broke an invariant: " + *broken);
            user = *made.next;
        }
        events.insert(events.end(), made.events.begin(), made.events.end());
        return made;
    }
    [[nodiscard]] int count(core::event_type type) const {
        return static_cast<int>(std::ranges::count(events, type, &core::event::type));
    }

    // Events that somebody is mailed about; the others are for the account's history only.
    [[nodiscard]] int mailed() const {
        return static_cast<int>(std::ranges::count_if(
            events, [](const core::event& one) { return !one.recipients.empty(); }));
    }

    // What an account may have, given without asking the state machine. What is given leaves it
    // sound: a session is never below the second factor.
    core::totp_device make_device(std::string label = "phone") {
        core::totp_device device{.id = core::factor_id("totp_" + random.hex(16)),
                                 .label = std::move(label),
                                 .enrolled_at = now};
        const auto secret = core::make_totp_secret(random);
        device.sealed_secret =
            keys.seal(core::text_of(secret.reveal()), core::totp_secret_context(user.id, device.id),
                      random.bytes<12>());
        return device;
    }
    std::vector<std::string> make_backup_hashes() {
        backup_codes.clear();
        std::vector<std::string> hashes;
        for (int made = 0; made < rules.recovery_code_count; ++made) {
            backup_codes.push_back(core::make_code(random, "abcdefghijkmnpqrstuvwxyz23456789", 13));
            hashes.push_back(codes.hash_backup_code(user.id, backup_codes.back()));
        }
        return hashes;
    }
    void give_totp() {
        user.totp.push_back(make_device());
        user.backup_code_hashes = make_backup_hashes();
        user.preferred = core::factor_method::totp;
        raise_sessions();
    }
    void give_email_factor() {
        user.email_factor_since = now;
        if (!user.preferred) user.preferred = core::factor_method::email;
        raise_sessions();
    }
    core::session_id give_session(core::assurance_level level = core::assurance_level::aal1,
                                  std::string refresh_id = "refresh") {
        core::session opened{.id = core::session_id(random.uuid()),
                             .refresh_hash = codes.hash("refresh", user.id, refresh_id),
                             .assurance =
                                 user.has_second_factor() ? core::assurance_level::aal2 : level,
                             .client = client,
                             .created_at = now,
                             .last_seen = now,
                             .expires_at = now + rules.tokens.refresh};
        return user.sessions.emplace_back(std::move(opened)).id;
    }
    core::api_token_hash give_api_token(std::string name = "script") {
        const auto made = core::make_api_token(user.id, std::move(name), codes, random, now).stored;
        user.api_tokens.push_back(made);
        return core::api_token_hash(made.hash);
    }
    core::challenge_id
    give_challenge(core::challenge_purpose purpose = core::challenge_purpose::login,
                   core::session_id session = {}) {
        return user.challenges
            .emplace_back(core::challenge{.id = core::challenge_id(random.hex(16)),
                                          .purpose = purpose,
                                          .session = std::move(session),
                                          .expires_at = now + rules.tokens.two_factor})
            .id;
    }

    // What a client presents.
    [[nodiscard]] core::session_proof
    proof(const core::session_id& session,
          core::assurance_level level = core::assurance_level::aal2) const {
        return {.session = session,
                .step_up = core::token_claims{.subject = user.id,
                                              .session = session,
                                              .id = "step-up",
                                              .issued_at = std::chrono::floor<core::seconds>(now),
                                              .expires_at = std::chrono::floor<core::seconds>(now) +
                                                            rules.tokens.step_up,
                                              .assurance = level}};
    }
    [[nodiscard]] static core::session_proof without_step_up(const core::session_id& session) {
        return {.session = session};
    }
    [[nodiscard]] core::password_check password(bool right = true) const {
        return {.hash_checked_against = user.password_hash, .matched = right};
    }
    [[nodiscard]] std::string code_of(const core::totp_device& device, int steps_away = 0) const {
        const auto secret =
            keys.open(device.sealed_secret, core::totp_secret_context(user.id, device.id));
        auto step = core::step_at(now, device.parameters);
        step.value += steps_away;
        return core::totp_code(core::bytes_of(secret.value().reveal()), device.parameters, step);
    }
    [[nodiscard]] std::string totp_code(int steps_away = 0) const {
        return code_of(user.totp.front(), steps_away);
    }
    // Six digits that no step near `now` has.
    [[nodiscard]] std::string wrong_totp_code() const {
        for (int number = 0;; ++number) {
            auto code = std::to_string(number);
            code.insert(0, 6 - code.size(), '0');
            if (code != totp_code(-1) && code != totp_code() && code != totp_code(1)) return code;
        }
    }
    core::sealed_code mail(std::string_view secret,
                           core::code_purpose purpose = core::code_purpose::second_factor,
                           core::event_type type = core::event_type::one_time_code) {
        return core::seal_code(user.id, purpose, type, secret, secret, context(), random);
    }
    core::sealed_code code_mail(std::string_view code, core::code_purpose purpose) {
        return mail(code, purpose, core::code_mail_of(purpose));
    }
    core::sealed_code verification_link(std::string_view id) {
        return mail(id, core::code_purpose::verify_email, core::event_type::email_verification);
    }
    core::sealed_code reset_link(std::string_view id) {
        return mail(id, core::code_purpose::reset_password, core::event_type::password_reset);
    }

    core::session_material material() {
        return core::make_session_material(rules.tokens.refresh, random);
    }

    // Commands with what a test does not care about filled in.
    auto log_in(bool right_password = true, std::string_view mailed = "111111") {
        return run(core::log_in{.password = password(right_password),
                                .session = material(),
                                .challenge = core::challenge_id(random.hex(16)),
                                .mail = mail(mailed),
                                .origin = origin()});
    }
    auto complete_login(const core::challenge_id& challenge, core::presented_code code) {
        return run(core::complete_login{.challenge = challenge,
                                        .code = std::move(code),
                                        .session = material(),
                                        .origin = origin()});
    }
    auto recover(const core::challenge_id& challenge, std::string code) {
        return run(core::recover_with_backup_code{.challenge = challenge,
                                                  .code = std::move(code),
                                                  .session = material(),
                                                  .origin = origin()});
    }
    auto begin_step_up(const core::session_id& session, bool right_password = true) {
        return run(core::begin_step_up{.proof = without_step_up(session),
                                       .password = password(right_password),
                                       .challenge = core::challenge_id(random.hex(16)),
                                       .mail = mail("222222"),
                                       .origin = origin()});
    }
    auto complete_step_up(const core::session_id& session, const core::challenge_id& challenge,
                          core::presented_code code) {
        return run(core::complete_step_up{.proof = without_step_up(session),
                                          .challenge = challenge,
                                          .code = std::move(code),
                                          .origin = origin()});
    }
    auto begin_totp(core::authority by, std::string token_id = "set-up") {
        return run(core::begin_totp{.by = std::move(by),
                                    .token_id = std::move(token_id),
                                    .device = make_device(),
                                    .backup_code_hashes = make_backup_hashes()});
    }
    auto confirm_totp(core::authority by, std::string code,
                      core::sessions_ended ends = core::sessions_ended::others,
                      std::string token_id = "set-up") {
        return run(core::confirm_totp{.by = std::move(by),
                                      .token_id = std::move(token_id),
                                      .code = std::move(code),
                                      .ends = ends,
                                      .origin = origin()});
    }
    auto send_code(core::code_holder holder, std::string_view code) {
        return run(core::send_second_factor_code{
            .holder = std::move(holder), .mail = mail(code), .origin = origin()});
    }
    auto mail_code(std::string_view code,
                   core::code_purpose purpose = core::code_purpose::second_factor) {
        return run(core::mail_code{
            .purpose = purpose, .mail = code_mail(code, purpose), .origin = origin()});
    }
    auto verify(std::string code) {
        return run(core::verify_code{.code = std::move(code), .origin = origin()});
    }
    auto enable_email(const core::session_proof& proof, std::string code) {
        return run(
            core::enable_email_factor{.proof = proof, .code = std::move(code), .origin = origin()});
    }
    auto disable(const core::session_proof& proof, core::factor_method method) {
        return run(core::disable_factor{.proof = proof, .method = method, .origin = origin()});
    }

private:
    void raise_sessions() {
        for (auto& one : user.sessions)
            one.assurance = core::assurance_level::aal2;
    }
    static core::key_ring make_keys() {
        std::vector<core::encryption_key> ring;
        ring.push_back({.id = "test", .key = core::secret_key(std::array<std::byte, 32>{})});
        return core::key_ring(std::move(ring));
    }
};

class decide_test : public ::testing::Test, public account_builder {};

} // namespace countersign::tests
