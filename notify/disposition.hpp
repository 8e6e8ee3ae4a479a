// What becomes of an outbox entry after an attempt to send it. Pure: the notifier performs it.
#pragma once

#include "core/types.hpp"
#include "notify/transport.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace countersign::notify {

struct failed_recipient {
    std::string address;
    delivery_failure failure;
};

struct submission_report {
    int delivered = 0;
    std::vector<failed_recipient> failed;
};

enum class fate : std::uint8_t { settle, retry, give_up };

struct disposition {
    fate what = fate::settle;
    core::milliseconds delay{};    // retry: from now
    std::vector<std::string> owed; // retry, give_up: who has not got the mail
    bool counted = true;           // retry: whether the next pause is longer, up to giving up
    std::string reason;            // retry, give_up: for the operator
};

// 5 s, 30 s, 2 min, 10 min, 30 min, then every hour.
[[nodiscard]] core::milliseconds retry_delay(int attempts_before) noexcept;
// The sum of the delays after that many failed attempts: how long the mail has been tried.
[[nodiscard]] core::milliseconds time_tried(int attempts) noexcept;
inline constexpr std::chrono::hours give_up_after{72};

// 5 s, 10 s … 60 s: how long to leave a relay alone that has failed so many times in a row.
[[nodiscard]] core::milliseconds relay_pause(int faults) noexcept;

// What a submission shows of the relay. Unknown: it was not asked, or not far enough to tell.
enum class relay_verdict : std::uint8_t { works, at_fault, unknown };
[[nodiscard]] relay_verdict relay_shown_by(const submission_report& report) noexcept;

// The report as the entry has to end. `attempts_before` failures of this mail were counted before;
// the relay failed `relay_faults` times in a row, this one included. `spread` in [-1, 1] moves the
// delay by up to 20 %, so that what failed together is not tried together again.
//
// A fault of the relay buries nothing and is not counted, unless it came after the relay had
// accepted MAIL: then the mail may be its cause, and is tried ever more seldom, so that it cannot
// stop the others every few seconds. For that alone it is never given up.
//
// An entry ends in one way: where some recipients failed for now and others for good, all of them
// are tried again, until only those are left that failed for good.
[[nodiscard]] disposition judge(const submission_report& report, int attempts_before,
                                int relay_faults, double spread);

} // namespace countersign::notify
