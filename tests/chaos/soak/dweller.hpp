// Somebody with an account who keeps changing it while the ground shakes: one change at a time,
// each with a mark of its own, and each looked up in the stored account afterwards.
#pragma once

#include "core/account.hpp"
#include "tests/chaos/judge.hpp"
#include "tests/chaos/soak/stage.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/native_client.hpp"
#include "tests/support/service_client.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// Used by one thread.
class dweller {
public:
    // Registers and logs in; throws if that fails.
    dweller(soak_stage& stage, int number, const std::string& service_key);

    // Makes one change of those that the account allows now. False: an answer failed to come, or
    // came as a failure; then settle() is due, with everything up again.
    [[nodiscard]] bool act(std::mt19937& random);
    // Finds out what became of the last change.
    void settle();
    // At the end: the account is still what it was at the last look.
    void check_nothing_changed_since();

    [[nodiscard]] const std::vector<watched_change>& changes() const { return changes_; }
    // What the judge cannot see: answers that mean nothing good, changes made by half or late.
    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }

private:
    using request = std::function<http_response()>;
    // Whether a change stands in the account, as it was before and is now.
    using trace = std::function<bool(const core::account& before, const core::account& now)>;
    struct pending_change {
        std::size_t index = 0; // in changes_
        trace is_made;
    };

    [[nodiscard]] bool toggle_email();
    [[nodiscard]] bool enrol_app();
    [[nodiscard]] bool use_backup_code();
    [[nodiscard]] bool log_in();
    [[nodiscard]] bool step_up();
    [[nodiscard]] bool change_password();
    [[nodiscard]] bool remove_app();
    [[nodiscard]] bool renew_backup_codes();

    // Runs a request that makes a change, and looks the change up. True: it was answered with
    // `status` and is made.
    [[nodiscard]] bool attempt(std::string subject, trace is_made, unsigned status,
                               const request& send);
    // Runs one that changes nothing which is watched.
    [[nodiscard]] std::optional<http_response> ask(unsigned status, const request& send);
    [[nodiscard]] bool expect(const http_response& reply, unsigned status);
    // The body that answers for the second factor that `begun` asks for; nullopt: none came.
    [[nodiscard]] std::optional<std::string> answer_to(const http_response& begun);
    void expect_code_mail(bool acknowledged);
    void next_mark();
    [[nodiscard]] int codes_left() const;
    [[nodiscard]] std::string next_code();

    soak_stage& stage_;
    native_client who_;
    service_client backend_;
    int number_;
    int marks_ = 0;
    std::string mark_;
    std::string id_;
    core::account seen_; // at the last look
    std::optional<pending_change> pending_;
    std::string next_password_; // of the change under way
    authenticator next_app_;    // likewise
    std::vector<std::string> backup_codes_;
    std::chrono::steady_clock::time_point enrolled_at_{};
    int codes_used_ = 0;
    std::vector<watched_change> changes_;
    std::vector<std::string> faults_;
};

} // namespace countersign::tests
