// The outbox as its operator sees it, and mends it: what waits, what is tried again, what was given
// up. Reads all of it page by page, so it is for commands, never for a request; only summary() is
// for the metrics too.
#pragma once

#include "core/event.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

enum class mail_state : std::uint8_t {
    waiting, // in its lane, perhaps being submitted
    retry,   // tried again when it is due
    dead,    // given up, kept
};
[[nodiscard]] std::string_view to_string(mail_state state) noexcept;

struct kept_mail {
    std::string id; // the event's; of what is no event, its place: <partition>.<lane>.<entry id>
    mail_state state = mail_state::waiting;
    int partition = 0;
    core::mail_lane lane = core::mail_lane::alert;
    std::string entry_id; // Redis' id where it is; of a retry, of the entry that it was
    std::string payload;
    std::vector<std::string> recipients; // those still owed the mail; empty: all of the event's
    int attempts = 0;
    std::string reason;                 // dead
    core::unix_time since{};            // when it came into its lane, or was given up
    std::optional<core::unix_time> due; // retry
};

struct lane_status {
    std::int64_t waiting = 0; // being submitted included
    std::int64_t fullest = 0; // what counts against the limit of a partition, in the fullest one
    std::optional<core::unix_time> oldest; // of those waiting: when it came into the lane
    std::int64_t dead = 0;                 // given up, kept
};

struct consumer_status {
    std::int64_t pending = 0;  // taken and not settled
    core::milliseconds idle{}; // since it last asked for something
};

struct outbox_status {
    std::array<lane_status, 2> lanes; // in the order of outbox_lanes
    std::int64_t retries = 0;
    std::optional<core::unix_time> next_retry;
    std::map<std::string, std::int64_t> dead_by_reason;
    std::map<std::string, consumer_status> consumers; // by name
};

struct mail_filter {
    std::optional<core::mail_lane> lane;
    std::optional<mail_state> state;
    std::size_t limit = 100;
};

struct mail_list {
    std::vector<kept_mail> mails; // the oldest first
    bool complete = true;         // false: there are more than the limit
};

// `redis` outlives it. While notifiers run, what moves meanwhile may be seen twice or not at all.
class outbox_admin {
public:
    outbox_admin(connection& redis, int partitions) : redis_(redis), partitions_(partitions) {}

    [[nodiscard]] awaitable<store_result<outbox_status>> status();
    // status() without dead_by_reason. Reads no mail, so it is short, however many there are.
    [[nodiscard]] awaitable<store_result<outbox_status>> summary();
    [[nodiscard]] awaitable<store_result<mail_list>> list(mail_filter filter);
    // By kept_mail::id.
    [[nodiscard]] awaitable<store_result<std::optional<kept_mail>>> find(std::string id);

    // A dead letter back into its lane, with no attempts counted: the event, and so Message-ID and
    // Date, stay. False: it is not there any more.
    [[nodiscard]] awaitable<store_result<bool>> retry(kept_mail dead);
    // Deletes a dead letter. False: it is not there any more.
    [[nodiscard]] awaitable<store_result<bool>> drop(kept_mail dead);

private:
    enum class verdict : std::uint8_t { go_on, next_source, stop };
    using visitor = std::function<verdict(kept_mail)>;

    // Shows everything that the filter's lane and state leave to `visit`, each stream in its order
    // and retries as they are due; a source is a stream, or the retries of a partition.
    [[nodiscard]] awaitable<store_result<void>> walk(mail_filter filter, visitor visit);
    [[nodiscard]] awaitable<store_result<bool>> walk_stream(std::string key, kept_mail pattern,
                                                            visitor visit);
    [[nodiscard]] awaitable<store_result<bool>>
    walk_retries(int partition, std::optional<core::mail_lane> lane, visitor visit);

    connection& redis_;
    int partitions_;
};

} // namespace countersign::store
