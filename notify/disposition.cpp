#include "notify/disposition.hpp"

#include <algorithm>
#include <array>

namespace countersign::notify {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<core::milliseconds, 5> first_delays{seconds(5), seconds(30), minutes(2),
                                                         minutes(10), minutes(30)};
constexpr core::milliseconds later_delay = hours(1);

core::milliseconds spread_out(core::milliseconds delay, double spread) {
    return core::milliseconds(
        static_cast<std::int64_t>(static_cast<double>(delay.count()) * (1 + 0.2 * spread)));
}

bool any(const submission_report& report, failure_kind kind) {
    return std::ranges::any_of(report.failed, [kind](const failed_recipient& failed) {
        return failed.failure.kind == kind;
    });
}

// A relay that closes only when it hears of this mail.
bool may_be_the_cause(const submission_report& report) {
    return std::ranges::any_of(report.failed, [](const failed_recipient& failed) {
        return failed.failure.kind == failure_kind::relay && failed.failure.relay_accepted_sender;
    });
}

std::string reasons(const submission_report& report) {
    std::string out;
    for (const auto& failed : report.failed) {
        if (!out.empty()) {
            out += "; ";
        }
        out.append(to_string(failed.failure.kind)).append(" ").append(failed.failure.reason);
    }
    return out;
}

} // namespace

core::milliseconds retry_delay(int attempts_before) noexcept {
    const auto index = static_cast<std::size_t>(std::max(attempts_before, 0));
    return index < first_delays.size() ? first_delays[index] : later_delay;
}

core::milliseconds time_tried(int attempts) noexcept {
    core::milliseconds sum{};
    const int first = static_cast<int>(first_delays.size());
    for (int index = 0; index < std::min(attempts, first); ++index) {
        sum += retry_delay(index);
    }
    return sum + std::max(attempts - first, 0) * later_delay;
}

core::milliseconds relay_pause(int faults) noexcept {
    return std::min<core::milliseconds>(seconds(60),
                                        seconds(5) * (1 << std::clamp(faults - 1, 0, 4)));
}

relay_verdict relay_shown_by(const submission_report& report) noexcept {
    if (any(report, failure_kind::relay)) {
        return relay_verdict::at_fault;
    }
    const bool served = report.delivered > 0 ||
                        std::ranges::any_of(report.failed, [](const failed_recipient& failed) {
                            return failed.failure.relay_accepted_sender;
                        });
    return served ? relay_verdict::works : relay_verdict::unknown;
}

disposition judge(const submission_report& report, int attempts_before, int relay_faults,
                  double spread) {
    if (report.failed.empty()) {
        return {};
    }
    disposition out;
    out.what = fate::give_up;
    out.reason = reasons(report);
    for (const auto& failed : report.failed) {
        out.owed.push_back(failed.address);
    }
    if (any(report, failure_kind::relay)) {
        out.what = fate::retry;
        out.counted = may_be_the_cause(report);
        out.delay = spread_out(std::max(relay_pause(relay_faults),
                                        out.counted ? retry_delay(attempts_before) : seconds(0)),
                               spread);
    } else if (any(report, failure_kind::transient) &&
               time_tried(attempts_before) < give_up_after) {
        out.what = fate::retry;
        out.delay = spread_out(retry_delay(attempts_before), spread);
    }
    return out;
}

} // namespace countersign::notify
