// The consuming side of the outbox: Redis Streams with a consumer group per partition and lane.
// At-least-once: an entry is gone only when it was settled. Rules and their history:
// docs/outbox.md.
#pragma once

#include "core/event.hpp"
#include "store/accounts.hpp"
#include "store/event_loop.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace countersign::store {

struct outbox_entry {
    int partition = 0;
    core::mail_lane lane = core::mail_lane::alert;
    std::string stream_id;               // Redis' id of the entry
    std::string payload;                 // core::to_json(event)
    std::vector<std::string> recipients; // those still owed the mail; empty: all of the event's
    int attempts = 0;                    // submissions that failed before
    // How often a notifier took it up and neither settled it nor put it off: 0 for a new entry. One
    // that ends its notifiers has many.
    int deliveries = 0;
    std::string reason; // of a dead letter
};

struct outbox_counts {
    std::int64_t code_backlog = 0, alert_backlog = 0, due_later = 0, dead = 0;
};

// Uses a connection of its own, because reads block it; its deadline must be longer than any
// `wait`. In a Redis Cluster no command reads the streams of two partitions, so read() asks for
// each, all at once, and looks again every `look_each` instead of blocking; and while a node is
// away the other nodes' partitions go on, so calls fail only if all of them do. One per notifier.
// read() is not called again while a read() runs; everything else may overlap. Every entry that
// read() or reclaim() returned is renew()ed while it is in hand, and ends in exactly one of
// settle(), retry() and give_up(); each does nothing if another notifier ended the entry first.
class outbox {
public:
    // `consumer` names this notifier within the group: stable over restarts, so that what it had
    // taken before a crash is its own again. No two notifiers that run at once share a name.
    outbox(connection& blocking_reads, connection& writes, int partitions, std::string consumer);

    // Creates the groups where they are missing, at 0 so that nothing earlier is skipped.
    [[nodiscard]] awaitable<store_result<void>> prepare();

    // First what this consumer had taken before it was started anew and not settled; then new
    // entries; waits up to `wait` for the first. Codes come before alerts, and of alerts the oldest
    // of all partitions: one at a time they come in the order of their ids. After an error the next
    // call makes sure of the groups, as if by prepare(), and begins anew with what was taken and
    // not settled, because a lost reply may have held some: so it may return entries once more that
    // the caller still has in hand.
    [[nodiscard]] awaitable<store_result<std::vector<outbox_entry>>> read(std::size_t count,
                                                                          core::milliseconds wait);

    // Entries that a consumer took, or renewed, longer than `idle` ago and did not settle: taken
    // over. `idle` must be much longer than the time between two renew().
    [[nodiscard]] awaitable<store_result<std::vector<outbox_entry>>>
    reclaim(core::milliseconds idle, std::size_t count);

    // Before an entry that was delivered before is tried again: counts one more delivery than the
    // entry has. False: it was settled, or another notifier took it over.
    [[nodiscard]] awaitable<store_result<bool>> begin(outbox_entry entry);
    // Keeps these entries, and those that the next read() returns, from being taken over. Only
    // their place (partition, lane, id) counts.
    [[nodiscard]] awaitable<store_result<void>> renew(std::vector<outbox_entry> in_hand);

    // Done: acknowledged and deleted in one script.
    [[nodiscard]] awaitable<store_result<void>> settle(outbox_entry entry);
    // Not now: moved to the retry set until `due`, with one more attempt counted. If recipients are
    // given, only they are still owed the mail.
    [[nodiscard]] awaitable<store_result<void>> retry(outbox_entry entry, core::unix_time due,
                                                      std::vector<std::string> recipients);
    // Never: moved to the dead letters, which nothing deletes.
    [[nodiscard]] awaitable<store_result<void>> give_up(outbox_entry entry, std::string reason);
    // Brings entries whose time has come back into their lane: at most `requeue_max` of each
    // partition, so that the script stays short. Returns how many.
    [[nodiscard]] awaitable<store_result<int>> requeue_due(core::unix_time now);

    [[nodiscard]] awaitable<store_result<outbox_counts>> counts();

    static constexpr int requeue_max = 100;
    static constexpr std::chrono::milliseconds look_each{20};

private:
    // Partitions whose streams one command can read: all, or in a cluster each by itself.
    struct part {
        std::vector<int> partitions;
        bool groups_exist = false;
        bool own_pending_read = false;
    };
    using streams_by_part = std::vector<std::vector<std::string>>; // as parts_; of some none
    class round;
    [[nodiscard]] awaitable<store_result<void>> prepare(part& of);
    // Its groups, and what this consumer has there, if they are not known yet.
    [[nodiscard]] awaitable<store_result<void>> make_ready(part& of);
    [[nodiscard]] awaitable<store_result<void>> take_own_pending(part& of);
    [[nodiscard]] awaitable<store_result<bool>>
    take_new(streams_by_part streams, std::size_t count_of_each, core::milliseconds wait);
    [[nodiscard]] awaitable<store_result<bool>> take_at_once(const streams_by_part& streams,
                                                             std::size_t count_of_each);
    [[nodiscard]] awaitable<store_result<bool>> take_from(part& of,
                                                          std::vector<std::string> streams,
                                                          std::size_t count_of_each,
                                                          core::milliseconds wait);
    [[nodiscard]] awaitable<void> take_into(std::optional<store_result<bool>>& outcome, part& of,
                                            std::vector<std::string> streams,
                                            std::size_t count_of_each);
    [[nodiscard]] awaitable<store_result<std::vector<outbox_entry>>>
    reclaim_stream(int partition, core::mail_lane lane, core::milliseconds idle, std::size_t count);
    [[nodiscard]] bool is_waiting(const outbox_entry& entry) const;
    // The streams of the parts that are ready; of alerts on demand those only of which no entry
    // waits.
    [[nodiscard]] streams_by_part code_streams() const;
    enum class heads : bool { all, missing };
    void add_alert_streams(streams_by_part& to, heads which) const;

    connection& blocking_reads_;
    connection& writes_;
    int partitions_;
    std::string consumer_;
    std::vector<part> parts_;
    std::vector<std::size_t> part_of_; // by partition
    // Taken but not yet returned, per lane: the head of each stream, of which the oldest is chosen.
    // About one entry per stream beyond what was asked for, but after a start anew.
    std::array<std::deque<outbox_entry>, 2> waiting_;
};

} // namespace countersign::store
