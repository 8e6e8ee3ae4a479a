// What must hold between changes, mails and kills, wherever the kills fell: every durable change
// has its mail, no mail is without a change, and a second copy is the same mail, of a notifier that
// died before it had settled the first. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

using moment = std::chrono::steady_clock::time_point;

enum class durable_state : std::uint8_t {
    made,     // as the account says that was read back
    not_made, // likewise
    open,     // it leaves no trace in the account: a code that was asked for without an answer
};

// A change that is mailed about, or would be if it was made.
struct watched_change {
    std::string mark;    // stands in the mail
    std::string subject; // of the mail; with the mark it names the change
    bool acknowledged = false;
    durable_state state = durable_state::not_made;
};

enum class victim : std::uint8_t { server, notifier, redis };
[[nodiscard]] std::string_view to_string(victim one) noexcept;

struct kill_note {
    victim who = victim::server;
    moment at;   // before the signal
    moment back; // when all was up again
};

// `by`: whose connection it was, the server's or the notifier's.
struct mail_note {
    std::string mark, subject, message_id, date;
    std::size_t bytes_hash = 0; // of all that went over the wire
    victim by = victim::server;
    std::uint64_t connection = 0;
    moment arrived;
};

struct end_note {
    victim by = victim::server;
    std::uint64_t connection = 0;
    moment at;
    bool said_quit = false;
};

struct chaos_history {
    std::vector<watched_change> changes;
    std::vector<kill_note> kills;
    std::vector<mail_note> mails; // of each sink in the order of arrival
    std::vector<end_note> ends;
};

struct chaos_verdict {
    std::vector<std::string> faults; // sentences; empty: all is well
    std::size_t acknowledged = 0, made = 0, not_made = 0;
    std::size_t made_without_answer = 0;
    // Second and further copies: sent before the death of their notifier, or about a kill of Redis.
    std::size_t duplicates_of_killed = 0, duplicates_about_redis = 0;
};

[[nodiscard]] chaos_verdict judge_chaos(const chaos_history& history);

// How many of the changes that must be mailed about have no mail yet.
[[nodiscard]] std::size_t mails_missing(const chaos_history& history);

} // namespace countersign::tests
