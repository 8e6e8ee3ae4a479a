// Somebody who keeps changing an account while the ground shakes, and remembers exactly what was
// acknowledged, what was not, and what must have been mailed about.
#pragma once

#include "tests/support/scene.hpp"

#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// What the resident can see of the account.
struct holdings {
    std::string name, password;
    std::string preferred = "totp";
    bool email_on = true;
    friend bool operator==(const holdings&, const holdings&) = default;
};

enum class change_outcome { made, not_made, unknown };

struct attempted_change {
    std::string mark;    // in the User-Agent, and so in the alert about it
    std::string subject; // of its alert; empty: none is due
    holdings before, after;
    bool acknowledged = false;
    change_outcome outcome = change_outcome::unknown;
};

class resident {
public:
    // Has both factors on and a step-up that outlives the test.
    resident(const scene& stage, int number, unsigned seed);

    // Changes things until told to stop, or until an answer fails to come.
    void live(const std::stop_token& stop);
    // With the server ready again: finds out what became of the last change, and checks that the
    // account is exactly what was acknowledged.
    void take_stock();

    [[nodiscard]] const std::vector<attempted_change>& changes() const { return changes_; }
    [[nodiscard]] const std::string& email() const { return who_.email; }

private:
    [[nodiscard]] bool rename();
    [[nodiscard]] bool prefer();
    [[nodiscard]] bool change_password();
    [[nodiscard]] bool disable_email();
    [[nodiscard]] bool enable_email();
    // False: no answer that says what happened.
    [[nodiscard]] bool attempt(std::string_view method, std::string_view target,
                               std::string_view body, holdings after, std::string subject = {});
    [[nodiscard]] std::string wait_for_code(const std::string& mark) const;
    [[nodiscard]] holdings read() const;
    [[nodiscard]] bool has_password(const std::string& password);
    [[nodiscard]] std::string next_mark();

    const scene& stage_;
    native_client who_;
    int number_;
    std::mt19937 random_;
    int marks_ = 0;
    holdings now_;
    bool password_in_doubt_ = false;
    std::vector<attempted_change> changes_;
};

// Waits for the alerts of all changes that were made, then checks that each came, that a second
// copy is the same mail, and that none came of a change that was not made.
void expect_exactly_the_alerts_due(const scene& stage, const std::vector<resident>& all);

} // namespace countersign::tests
