// All mails of a soak, read as they arrive: who had sent them, what they are about, and the codes.
#pragma once

#include "tests/chaos/judge.hpp"
#include "tests/support/load_sink.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace countersign::tests {

inline constexpr std::string_view code_mail_subject = "Your Countersign verification code";

// The text by which a mail is known to be about one change: it stands where the client's name does.
[[nodiscard]] std::string mark_of(int account, int number);

class mailroom {
public:
    mailroom();

    [[nodiscard]] const load_sink& of_server() const { return of_server_; }
    [[nodiscard]] const load_sink& of_notifier() const { return of_notifier_; }
    [[nodiscard]] std::size_t count() const { return of_server_.count() + of_notifier_.count(); }

    // The code that was mailed to this mark, once it is there.
    [[nodiscard]] std::optional<std::string> wait_for_code(const std::string& mark,
                                                           std::chrono::milliseconds timeout) const;
    // What has been read so far; the rest is in the sinks for some milliseconds at the most.
    void add_to(chaos_history& history) const;

private:
    void read(const std::stop_token& stop);
    void sort_in(load_sink& sink, victim by);

    load_sink of_server_, of_notifier_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<mail_note> mails_;
    std::vector<end_note> ends_;
    std::map<std::string, std::string> codes_; // by mark
    std::jthread reader_;                      // last: ends before what it uses
};

} // namespace countersign::tests
