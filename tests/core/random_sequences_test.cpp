// Thousands of random lives of an account. Whatever is asked, in whatever order, with right, wrong,
// stale and replayed evidence: what the invariants promise holds after every command.
#include "tests/core/account_builder.hpp"

#include <cstdlib>
#include <map>
#include <random>
#include <set>

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

constexpr int sequence_count = 5'000;
constexpr int commands_per_sequence = 60;

std::uint64_t seed_of_this_run() {
    if (const char* fixed = std::getenv("COUNTERSIGN_TEST_SEED")) return std::stoull(fixed);
    return std::random_device{}();
}

// What was reached, so that the test cannot pass by never getting anywhere.
struct tally {
    int totp_accepted = 0, mailed_accepted = 0, backup_accepted = 0, replays_refused = 0;
    int refused_while_blocked = 0, enabled = 0, disabled = 0, sessions_opened = 0, stepped_up = 0;
    int resets = 0, addresses_changed = 0;
};

class random_life {
public:
    random_life(std::uint64_t seed, tally& reached)
        : world_(seed), engine_(seed), reached_(reached), error_percent_(5 + pick(80)) {
        if (chance(50)) world_.give_totp();
        if (chance(50)) world_.give_email_factor();
        if (chance(20)) world_.rules.sessions_max = 2;
        world_.give_session(world_.user.has_second_factor() ? assurance_level::aal2
                                                            : assurance_level::aal1);
        known_backup_codes_ = world_.backup_codes;
    }

    void live() {
        for (int step = 0; step < commands_per_sequence; ++step) {
            pass_time();
            random_command();
            if (step % 50 == 0) {
                EXPECT_EQ(account_from_document(to_document(user())).value(), user());
            }
            if (::testing::Test::HasFailure()) {
                ADD_FAILURE() << "at command " << step << ": " << what_;
                return;
            }
        }
    }

private:
    const account& user() const { return world_.user; }
    int pick(int bound) { return static_cast<int>(engine_() % static_cast<unsigned>(bound)); }
    bool chance(int percent) { return pick(100) < percent; }
    bool err() { return chance(error_percent_); }
    template <typename T>
    const T& one_of(const std::vector<T>& values) {
        return values[static_cast<std::size_t>(pick(static_cast<int>(values.size())))];
    }

    void pass_time() {
        const int kind = pick(100);
        if (kind < 50) return;
        if (kind < 80)
            world_.now += milliseconds(pick(40'000));
        else if (kind < 97)
            world_.now += seconds(pick(900));
        else
            world_.now += seconds(pick(5 * 3600));
    }

    // Evidence: mostly good, sometimes not.
    session_id a_session() {
        if (!user().sessions.empty() && !chance(5)) return one_of(user().sessions).id;
        if (!ended_.empty()) return *ended_.begin();
        return session_id("made up");
    }
    session_proof a_proof() {
        std::vector<token_claims> live;
        for (const auto& token : step_up_tokens_)
            if (user().find_session(token.session, world_.now)) live.push_back(token);
        session_proof proof{.session = a_session()};
        if (live.empty() || chance(3)) return proof;
        const auto& token = one_of(live);
        if (!chance(5)) proof.session = token.session;
        if (token.expires_at <= world_.now)
            proof.step_up = token_error::expired;
        else
            proof.step_up = token;
        return proof;
    }
    challenge_id a_challenge(challenge_purpose wanted) {
        std::vector<challenge_id> fitting;
        for (const auto& open : user().challenges)
            if (open.purpose == wanted || chance(5)) fitting.push_back(open.id);
        return fitting.empty() ? challenge_id("made up") : one_of(fitting);
    }
    std::string present(std::string text) {
        presented_.push_back(text);
        if (!chance(70)) old_codes_.push_back(text);
        return text;
    }
    std::string a_wrong_code() {
        if (!old_codes_.empty() && chance(50)) return one_of(old_codes_);
        return make_numeric_code(world_.random, 6);
    }
    std::string a_totp_code() {
        if (user().totp.empty() || err()) return present(a_wrong_code());
        return present(world_.totp_code(pick(3) - 1));
    }
    std::string an_enrolment_code() {
        if (!user().enrolment || err()) return present(a_wrong_code());
        return present(world_.code_of(user().enrolment->device, pick(3) - 1));
    }
    std::string a_mailed_code() {
        if (mailed_.empty() || err()) return present(a_wrong_code());
        return present(mailed_);
    }
    presented_code some_codes() {
        presented_code offered;
        if (user().has(factor_method::totp) ? !chance(10) : chance(10))
            offered.totp = a_totp_code();
        if (user().has(factor_method::email) ? !chance(30) : chance(10))
            offered.email = a_mailed_code();
        return offered;
    }
    sealed_code a_mail() {
        next_mailed_ = make_numeric_code(world_.random, 6);
        return world_.mail(next_mailed_);
    }
    std::string a_link(std::string& live) { return live.empty() || err() ? "made up" : live; }
    session_material material() { return make_session_material(world_.random); }
    request_origin origin() {
        world_.client.os = chance(50) ? "Linux" : "Haiku";
        return world_.origin();
    }

    // Runs a command and holds what came of it against the promises.
    template <typename Command>
    auto ask(std::string_view what, const Command& command) {
        what_ = what;
        const auto before = user();
        const auto made = world_.run(command);
        if (made.outcome.has_error() && !made.next) {
            EXPECT_EQ(user(), before);
        }
        check_codes(before);
        check_sessions(before);
        check_attempts(before, refused(made));
        check_events(before, made.outcome.has_error(), made.events);
        for (const auto& event : made.events)
            if (event.type == event_type::one_time_code) mailed_ = next_mailed_;
        presented_.clear();
        proved_ = false;
        return made;
    }
    bool was_presented(const auto& matches) const {
        return std::ranges::any_of(presented_, matches);
    }

    // T-01, T-03, T-05: what was accepted before is never accepted again; nothing is used up but by
    // the right code.
    void check_codes(const account& before) {
        for (const auto& device : user().totp) {
            const auto old = std::ranges::find(before.totp, device.id, &totp_device::id);
            const auto last = old == before.totp.end() ? totp_step{} : old->last_accepted_step;
            EXPECT_GE(device.last_accepted_step, last);
            if (device.last_accepted_step == last) continue;
            EXPECT_TRUE(accepted_steps_.emplace(device.id, device.last_accepted_step.value).second);
            const auto away = static_cast<int>(device.last_accepted_step.value -
                                               step_at(world_.now, device.parameters).value);
            EXPECT_LE(std::abs(away), world_.rules.totp_window);
            const auto right = world_.code_of(device, away);
            EXPECT_TRUE(was_presented([&](const auto& code) { return code == right; }));
            proved_ = true;
            ++reached_.totp_accepted;
        }
        if (before.has(factor_method::totp) && user().has(factor_method::totp)) {
            for (const auto& hash : before.backup_code_hashes) {
                if (std::ranges::count(user().backup_code_hashes, hash) == 1) continue;
                EXPECT_TRUE(accepted_backup_codes_.insert(hash).second);
                EXPECT_TRUE(was_presented([&](const auto& code) {
                    return world_.codes.matches(hash, "backup", before.id, code);
                }));
                proved_ = true;
                ++reached_.backup_accepted;
            }
        }
        const auto mailed =
            std::ranges::find(before.codes, code_purpose::second_factor, &mailed_code::purpose);
        const bool used_up =
            mailed != before.codes.end() && mailed->expires_at > world_.now &&
            was_presented([&](const auto& code) {
                return world_.codes.matches(mailed->hash, "second_factor", before.id, code);
            }) &&
            std::ranges::find(user().codes, mailed->hash, &mailed_code::hash) == user().codes.end();
        if (used_up) {
            EXPECT_TRUE(accepted_mailed_codes_.insert(mailed->hash).second);
            proved_ = true;
            ++reached_.mailed_accepted;
        }
        EXPECT_TRUE(before.backup_code_hashes.size() >= user().backup_code_hashes.size() ||
                    !before.has(factor_method::totp));
    }

    // T-20 to T-22, T-34: no session of level two without a proof in this very command, none at all
    // where a factor stands; what has ended does not come back.
    void check_sessions(const account& before) {
        for (const auto& one : user().sessions) {
            const auto old = std::ranges::find(before.sessions, one.id, &session::id);
            if (old == before.sessions.end()) {
                EXPECT_TRUE(proved_ || !before.has_second_factor());
                EXPECT_FALSE(ended_.contains(one.id));
                ++reached_.sessions_opened;
            }
            if (one.assurance == assurance_level::aal2 &&
                (old == before.sessions.end() || old->assurance == assurance_level::aal1)) {
                EXPECT_TRUE(proved_);
            }
            if (user().has_second_factor()) {
                EXPECT_EQ(one.assurance, assurance_level::aal2); // T-33
            }
        }
        for (const auto& one : before.sessions)
            if (std::ranges::find(user().sessions, one.id, &session::id) == user().sessions.end())
                ended_.insert(one.id);
        EXPECT_LE(user().sessions.size(), world_.rules.sessions_max);
        EXPECT_LE(user().challenges.size(), world_.rules.challenges_max);
    }

    // T-10, T-13: while blocked nothing is evaluated; every miss counts; a pause comes in time.
    void check_attempts(const account& before, std::optional<refusal_reason> why) {
        const auto& policy = world_.rules.attempts;
        const auto is_blocked = [&](const attempt_state& state) {
            return state.misses >= policy.lock_after || state.blocked_until > world_.now;
        };
        if (is_blocked(before.factor_attempts)) {
            EXPECT_EQ(user().factor_attempts, before.factor_attempts);
            EXPECT_EQ(user().totp, before.totp);
            EXPECT_EQ(user().backup_code_hashes, before.backup_code_hashes);
            EXPECT_EQ(user().methods(), before.methods());
            EXPECT_FALSE(proved_);
        }
        if (is_blocked(before.password_attempts)) {
            EXPECT_TRUE(user().password_attempts == before.password_attempts ||
                        may_reset_password_);
        }
        if (why == blocked) {
            EXPECT_EQ(user(), before);
            ++reached_.refused_while_blocked;
        }
        const bool wrong_factor = why == wrong_code || why == wrong_backup_code;
        check_counter(before.factor_attempts, user().factor_attempts, wrong_factor);
        check_counter(before.password_attempts, user().password_attempts, why == wrong_password);
        if (wrong_factor && was_presented([&](const auto& code) {
                return std::ranges::find(old_codes_, code) != old_codes_.end();
            }))
            ++reached_.replays_refused;
    }
    void check_counter(const attempt_state& before, const attempt_state& after, bool missed) {
        const auto& policy = world_.rules.attempts;
        EXPECT_LE(after.misses, policy.lock_after);
        if (!missed) {
            EXPECT_TRUE(after == before || after == attempt_state{});
            return;
        }
        EXPECT_EQ(after.misses, before.misses + 1);
        if (after.misses % policy.pause_after == 0) {
            EXPECT_GE(after.blocked_until, world_.now + policy.first_pause);
        }
    }

    // Every change of factors is one alert, and nothing else is.
    void check_events(const account& before, bool was_refused, const std::vector<event>& events) {
        int added = 0, removed = 0;
        for (const auto& event : events) {
            EXPECT_TRUE(event_ids_.insert(event.id).second);
            EXPECT_EQ(event_from_json(to_json(event)).value(), event);
            added += event.type == event_type::two_factor_added;
            removed += event.type == event_type::two_factor_removed;
            if (was_refused) {
                EXPECT_EQ(event.type, event_type::sign_in_blocked);
            }
        }
        int turned_on = 0, turned_off = 0;
        for (const auto method : {factor_method::totp, factor_method::email}) {
            turned_on += user().has(method) && !before.has(method);
            turned_off += before.has(method) && !user().has(method);
        }
        EXPECT_EQ(added, turned_on);
        EXPECT_EQ(removed, turned_off);
        EXPECT_TRUE(user().has_second_factor() || !before.has_second_factor());
        // T-30: where a factor stood, a change took a session that had proved one.
        if ((turned_on || turned_off) && before.has_second_factor()) {
            EXPECT_TRUE(proof_of_change_.step_up.has_value());
            const auto* session = before.find_session(proof_of_change_.session, world_.now);
            ASSERT_NE(session, nullptr);
            EXPECT_EQ(session->assurance, assurance_level::aal2);
        }
        reached_.enabled += turned_on;
        reached_.disabled += turned_off;
    }

    void remember_step_up(const stepped_up& reached) {
        step_up_tokens_.push_back(*world_.proof(reached.session, reached.assurance).step_up);
        ++reached_.stepped_up;
    }

    void random_command() {
        switch (pick(24)) {
        case 0:
        case 1:
            (void)ask("log in", log_in{.password = world_.password(!err()),
                                       .session = material(),
                                       .challenge = challenge_id(world_.random.hex(16)),
                                       .mail = a_mail(),
                                       .origin = origin()});
            return;
        case 2:
        case 3:
        case 4:
            (void)ask("complete login",
                      complete_login{.challenge = a_challenge(challenge_purpose::login),
                                     .code = some_codes(),
                                     .session = material(),
                                     .origin = origin()});
            return;
        case 5:
            (void)ask("recover",
                      recover_with_backup_code{.challenge = a_challenge(challenge_purpose::login),
                                               .code = present(known_backup_codes_.empty() || err()
                                                                   ? a_wrong_code()
                                                                   : one_of(known_backup_codes_)),
                                               .session = material(),
                                               .origin = origin()});
            return;
        case 6:
        case 7:
            return step_up();
        case 8:
        case 9:
        case 10:
            return change_factors();
        case 11:
        case 12:
            return enrol();
        case 13: {
            code_holder holder = a_session();
            if (chance(30)) holder = a_challenge(challenge_purpose::login);
            (void)ask("send code", send_second_factor_code{
                                       .holder = holder, .mail = a_mail(), .origin = origin()});
            return;
        }
        case 14:
            (void)ask("prefer", prefer_method{.proof = a_proof(),
                                              .method = chance(50) ? factor_method::totp
                                                                   : factor_method::email});
            return;
        case 15:
            return refresh();
        case 16:
            return end_something();
        case 17:
        case 18:
            return change_password_or_address();
        case 19:
            return use_reset_link();
        case 20:
            return use_verification_link();
        case 21:
            (void)ask("rename", rename{.proof = a_proof(), .name = "Ada"});
            return;
        case 22:
            (void)ask("report", report_registration_attempt{.origin = origin()});
            return;
        case 23: {
            auto id = world_.random.hex(16);
            if (ask("send verification", send_verification{.proof = a_proof(),
                                                           .link = world_.verification_link(id),
                                                           .origin = origin()})
                    .outcome)
                verification_link_ = std::move(id);
            return;
        }
        }
    }

    void step_up() {
        const auto session = a_session();
        const auto begun =
            ask("begin step-up", begin_step_up{.proof = {.session = session},
                                               .password = world_.password(!err()),
                                               .challenge = challenge_id(world_.random.hex(16)),
                                               .mail = a_mail(),
                                               .origin = origin()});
        if (begun.outcome.has_error()) return;
        if (const auto* reached = std::get_if<stepped_up>(&*begun.outcome)) {
            EXPECT_FALSE(user().has_second_factor());
            EXPECT_EQ(reached->assurance, assurance_level::aal1);
            return remember_step_up(*reached);
        }
        pass_time();
        const auto made = ask(
            "complete step-up",
            complete_step_up{
                .proof = {.session = chance(5) ? a_session() : session},
                .challenge = chance(10) ? a_challenge(challenge_purpose::login)
                                        : std::get<second_factor_pending>(*begun.outcome).challenge,
                .code = some_codes(),
                .origin = origin()});
        if (made.outcome) remember_step_up(*made.outcome);
    }

    void change_factors() {
        proof_of_change_ = a_proof();
        if (chance(40)) {
            (void)ask("disable", disable_factor{.proof = proof_of_change_,
                                                .method = chance(50) ? factor_method::totp
                                                                     : factor_method::email,
                                                .origin = origin()});
            return;
        }
        (void)ask("enable e-mail", enable_email_factor{.proof = proof_of_change_,
                                                       .code = a_mailed_code(),
                                                       .origin = origin()});
    }

    void enrol() {
        proof_of_change_ = a_proof();
        auto token = world_.random.hex(16);
        if (!ask("begin TOTP", begin_totp{.proof = proof_of_change_,
                                          .token_id = token,
                                          .device = world_.make_device(),
                                          .backup_code_hashes = world_.make_backup_hashes()})
                 .outcome)
            return;
        const auto codes = world_.backup_codes;
        pass_time();
        if (chance(10)) token = "made up";
        if (ask("confirm TOTP",
                confirm_totp{.proof = proof_of_change_,
                             .token_id = token,
                             .code = an_enrolment_code(),
                             .ends = chance(50) ? sessions_ended::others : sessions_ended::all,
                             .origin = origin()})
                .outcome)
            known_backup_codes_ = codes;
    }

    void refresh() {
        const auto session = a_session();
        auto& live = refresh_ids_[session];
        if (live.empty()) live = "refresh";
        auto next = world_.random.hex(16);
        if (ask("refresh",
                refresh_session{
                    .session = session, .presented_id = live, .next_id = next, .origin = origin()})
                .outcome)
            live = std::move(next);
    }

    void end_something() {
        switch (pick(4)) {
        case 0:
            (void)ask("log out", log_out{.session = a_session()});
            return;
        case 1:
            (void)ask("end session", end_session{.proof = a_proof(), .target = a_session()});
            return;
        case 2:
            if (chance(30)) (void)ask("end all sessions", end_all_sessions{.proof = a_proof()});
            return;
        case 3:
            (void)ask("stale refresh", refresh_session{.session = a_session(),
                                                       .presented_id = "stale",
                                                       .next_id = "unused",
                                                       .origin = origin()});
            return;
        }
    }

    void change_password_or_address() {
        if (chance(50)) {
            (void)ask("change password", change_password{.proof = a_proof(),
                                                         .old_password = world_.password(!err()),
                                                         .new_hash = world_.random.hex(8),
                                                         .origin = origin()});
            return;
        }
        auto id = world_.random.hex(16);
        const auto address = email_address::parse(world_.random.hex(4) + "@example.org").value();
        if (ask("ask for another address",
                request_email_change{.proof = a_proof(),
                                     .email = address,
                                     .link = world_.verification_link(id),
                                     .origin = origin()})
                .outcome)
            verification_link_ = std::move(id);
    }

    void use_reset_link() {
        auto id = world_.random.hex(16);
        if (ask("ask for a reset",
                request_password_reset{.link = world_.reset_link(id), .origin = origin()})
                .outcome)
            reset_link_ = std::move(id);
        pass_time();
        may_reset_password_ = true;
        const auto factors = user().methods();
        const auto link = a_link(reset_link_);
        const bool done = ask("reset password", reset_password{.link_id = link,
                                                               .new_hash = world_.random.hex(8),
                                                               .origin = origin()})
                              .outcome.has_value();
        may_reset_password_ = false;
        if (!done) return;
        // T-06, T-23: single use; nobody is in; the factors stand.
        EXPECT_TRUE(used_links_.insert(link).second);
        EXPECT_TRUE(user().sessions.empty());
        EXPECT_TRUE(user().challenges.empty());
        EXPECT_EQ(user().methods(), factors);
        ++reached_.resets;
    }

    void use_verification_link() {
        const auto pending = user().pending_email;
        const auto link = a_link(verification_link_);
        const auto made = ask("verify address", verify_email{.link_id = link, .origin = origin()});
        if (!made.outcome) return;
        EXPECT_TRUE(used_links_.insert(link).second);
        EXPECT_TRUE(user().email_verified);
        if (made.outcome->previous_email.empty()) return;
        EXPECT_EQ(user().email, pending);
        ++reached_.addresses_changed;
    }

    tests::account_builder world_;
    std::mt19937_64 engine_;
    tally& reached_;
    int error_percent_;

    std::string_view what_;
    std::vector<std::string> presented_; // codes of the command under way
    bool proved_ = false;                // one of them was accepted
    bool may_reset_password_ = false;
    session_proof proof_of_change_; // of the latest command about factors
    std::vector<std::string> old_codes_, known_backup_codes_;
    std::string mailed_, next_mailed_, verification_link_, reset_link_;
    std::vector<token_claims> step_up_tokens_;
    std::map<session_id, std::string> refresh_ids_;

    std::set<std::pair<factor_id, std::int64_t>> accepted_steps_;
    std::set<std::string> accepted_backup_codes_, accepted_mailed_codes_, used_links_;
    std::set<session_id> ended_;
    std::set<event_id> event_ids_;
};

TEST(RandomSequences, T01_T03_T05_T06_T10_T20_T21_T22_T23_T30_T33_T34_HoldInEveryLife) {
    const auto seed = seed_of_this_run();
    RecordProperty("seed", std::to_string(seed));
    SCOPED_TRACE("reproduce with COUNTERSIGN_TEST_SEED=" + std::to_string(seed));
    tally reached;
    for (int sequence = 0; sequence < sequence_count && !HasFailure(); ++sequence) {
        SCOPED_TRACE("sequence " + std::to_string(sequence));
        random_life(seed + static_cast<std::uint64_t>(sequence), reached).live();
    }
    for (const int times :
         {reached.totp_accepted, reached.mailed_accepted, reached.backup_accepted,
          reached.replays_refused, reached.refused_while_blocked, reached.enabled, reached.disabled,
          reached.sessions_opened, reached.stepped_up, reached.resets, reached.addresses_changed})
        EXPECT_GE(times, 50);
}

} // namespace
} // namespace countersign::core
