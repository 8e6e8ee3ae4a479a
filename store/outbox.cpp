#include "store/outbox.hpp"

#include "store/event_loop.hpp"
#include "store/outbox_entries.hpp"
#include "store/scripts.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

namespace countersign::store {
namespace {

using core::mail_lane;

constexpr std::string_view group = outbox_group;

std::size_t index_of(mail_lane lane) {
    return lane == mail_lane::code ? 0 : 1;
}

// Its id: the time when it was added, and its number within that.
std::pair<std::uint64_t, std::uint64_t> age_of(const outbox_entry& entry) {
    const auto* const end = entry.stream_id.data() + entry.stream_id.size();
    std::pair<std::uint64_t, std::uint64_t> age;
    const auto time = std::from_chars(entry.stream_id.data(), end, age.first);
    if (time.ptr != end) std::from_chars(time.ptr + 1, end, age.second);
    return age;
}

store_result<void> without_value(const store_result<reply_value>& reply) {
    if (!reply) return reply.error();
    return {};
}

std::size_t count_of(const std::vector<std::vector<std::string>>& streams) {
    std::size_t sum = 0;
    for (const auto& some : streams)
        sum += some.size();
    return sum;
}

} // namespace

// Once over the partitions: what failed in one part is not asked again, the others go on.
class outbox::round {
public:
    explicit round(const outbox& of) : of_(of), failed_(of.parts_.size(), false) {}

    [[nodiscard]] bool leaves_out(int partition) const {
        return failed_[of_.part_of_[static_cast<std::size_t>(partition)]];
    }
    void fails(int partition, store_error error) {
        failed_[of_.part_of_[static_cast<std::size_t>(partition)]] = true;
        if (!first_error_) first_error_ = error;
    }
    [[nodiscard]] std::optional<store_error> error_of_any() const { return first_error_; }
    [[nodiscard]] std::optional<store_error> error_of_all() const {
        return std::ranges::find(failed_, false) == failed_.end() ? first_error_ : std::nullopt;
    }

private:
    const outbox& of_;
    std::vector<bool> failed_; // by part
    std::optional<store_error> first_error_;
};

outbox::outbox(connection& blocking_reads, connection& writes, int partitions, std::string consumer)
    : blocking_reads_(blocking_reads), writes_(writes), partitions_(partitions),
      consumer_(std::move(consumer)), part_of_(static_cast<std::size_t>(partitions)) {
    std::vector<std::string> keys;
    keys.reserve(part_of_.size());
    for (int partition = 0; partition < partitions; ++partition)
        keys.push_back(stream_key(partition, mail_lane::code));
    for (const auto& indices : blocking_reads.together(keys)) {
        auto& made = parts_.emplace_back();
        for (const auto index : indices) {
            made.partitions.push_back(static_cast<int>(index));
            part_of_[index] = parts_.size() - 1;
        }
    }
}

awaitable<store_result<void>> outbox::prepare() {
    round once(*this);
    for (auto& one : parts_) {
        const auto prepared = co_await prepare(one);
        if (!prepared) once.fails(one.partitions.front(), prepared.error());
    }
    if (const auto error = once.error_of_all()) co_return *error;
    co_return store_result<void>{};
}

awaitable<store_result<void>> outbox::prepare(part& of) {
    for (const auto partition : of.partitions) {
        std::vector<std::string> arguments{std::string(group)};
        const auto reply =
            co_await writes_.script(scripts::create_groups(), stream_keys(partition), arguments);
        if (!reply) co_return reply.error();
    }
    of.groups_exist = true;
    co_return store_result<void>{};
}

awaitable<store_result<void>> outbox::make_ready(part& of) {
    if (!of.groups_exist) {
        const auto prepared = co_await prepare(of);
        if (!prepared) co_return prepared.error();
    }
    if (of.own_pending_read) co_return store_result<void>{};
    co_return co_await take_own_pending(of);
}

awaitable<entries_result> outbox::read(std::size_t count, core::milliseconds wait) {
    round once(*this);
    for (auto& one : parts_) {
        if (one.groups_exist && one.own_pending_read) continue;
        const auto ready = co_await make_ready(one);
        if (!ready) once.fails(one.partitions.front(), ready.error());
    }
    if (const auto error = once.error_of_all()) co_return *error;
    auto& codes = waiting_[index_of(mail_lane::code)];
    auto& alerts = waiting_[index_of(mail_lane::alert)];
    if (codes.size() < count) {
        const auto have = codes.size() + alerts.size();
        auto streams = code_streams();
        add_alert_streams(streams, have < count ? heads::all : heads::missing);
        const auto of_each = (count - std::min(have, count)) / count_of(streams);
        const auto patience = have == 0 ? wait : core::milliseconds{0};
        const auto some =
            co_await take_new(std::move(streams), std::max<std::size_t>(1, of_each), patience);
        if (!some) co_return some.error();
    }
    while (!codes.empty() && codes.size() < count) {
        const auto of_each = (count - codes.size()) / static_cast<std::size_t>(partitions_);
        const auto some = co_await take_new(code_streams(), std::max<std::size_t>(1, of_each), {});
        if (!some) co_return some.error();
        if (!*some) break;
    }
    std::vector<outbox_entry> entries;
    for (; entries.size() < count && !codes.empty(); codes.pop_front())
        entries.push_back(std::move(codes.front()));
    while (entries.size() < count && !alerts.empty()) {
        const auto oldest = std::ranges::min_element(alerts, {}, age_of);
        entries.push_back(std::move(*oldest));
        alerts.erase(oldest);
    }
    co_return entries;
}

// Asks every stream for what this consumer has, page by page, until there is no more.
awaitable<store_result<void>> outbox::take_own_pending(part& of) {
    std::vector<outbox_entry> taken;
    for (const auto lane : outbox_lanes)
        for (const auto partition : of.partitions) {
            std::string start = "-";
            while (true) {
                std::vector<std::string> keys{stream_key(partition, lane)};
                std::vector<std::string> arguments{std::string(group), consumer_, start, "100"};
                const auto reply =
                    co_await blocking_reads_.script(scripts::own_pending(), keys, arguments);
                auto page = reply ? parse_page(partition, lane, *reply)
                                  : store_result<entries_page>{reply.error()};
                if (!page) {
                    of.groups_exist = false;
                    co_return page.error();
                }
                if (page->cursor.empty()) break;
                start = "(" + page->cursor;
                for (auto& entry : page->entries)
                    if (!is_waiting(entry)) taken.push_back(std::move(entry));
            }
        }
    for (auto& entry : taken)
        waiting_[index_of(entry.lane)].push_back(std::move(entry));
    of.own_pending_read = true;
    co_return store_result<void>{};
}

// Takes new entries of these streams into waiting_; with `wait`, waits that long for the first.
// False: there was nothing. An error: of no part there was an answer.
awaitable<store_result<bool>> outbox::take_new(streams_by_part streams, std::size_t count_of_each,
                                               core::milliseconds wait) {
    if (parts_.size() == 1)
        co_return co_await take_from(parts_.front(), std::move(streams.front()), count_of_each,
                                     wait);
    const auto until = std::chrono::steady_clock::now() + wait;
    steady_timer timer(co_await boost::asio::this_coro::executor);
    while (true) {
        const auto some = co_await take_at_once(streams, count_of_each);
        if (!some || *some || std::chrono::steady_clock::now() >= until) co_return some;
        // A part that failed begins anew with the next read().
        for (std::size_t index = 0; index < parts_.size(); ++index)
            if (!parts_[index].groups_exist) streams[index].clear();
        timer.expires_after(look_each);
        co_await timer.async_wait(boost::asio::as_tuple(boost::asio::deferred));
    }
}

// Of every part at the same time, without waiting for entries.
awaitable<store_result<bool>> outbox::take_at_once(const streams_by_part& streams,
                                                   std::size_t count_of_each) {
    const auto executor = co_await boost::asio::this_coro::executor;
    std::vector<std::optional<store_result<bool>>> outcomes(streams.size());
    const auto task_for = [&](std::size_t index) {
        return boost::asio::co_spawn(
            executor, take_into(outcomes[index], parts_[index], streams[index], count_of_each),
            boost::asio::deferred);
    };
    std::vector<decltype(task_for(0))> tasks;
    for (std::size_t index = 0; index < streams.size(); ++index)
        if (!streams[index].empty()) tasks.push_back(task_for(index));
    if (tasks.empty()) co_return store_error::unavailable;
    const auto [order, thrown] =
        co_await boost::asio::experimental::make_parallel_group(std::move(tasks))
            .async_wait(boost::asio::experimental::wait_for_all(), boost::asio::deferred);
    for (const auto& exception : thrown)
        if (exception) std::rethrow_exception(exception);

    bool some = false, answered = false;
    store_error error{};
    for (const auto& outcome : outcomes) {
        if (!outcome) continue;
        answered = answered || outcome->has_value();
        some = some || (outcome->has_value() && **outcome);
        if (outcome->has_error()) error = outcome->error();
    }
    if (!answered) co_return error;
    co_return some;
}

awaitable<void> outbox::take_into(std::optional<store_result<bool>>& outcome, part& of,
                                  std::vector<std::string> streams, std::size_t count_of_each) {
    outcome = co_await take_from(of, std::move(streams), count_of_each, {});
}

awaitable<store_result<bool>> outbox::take_from(part& of, std::vector<std::string> streams,
                                                std::size_t count_of_each,
                                                core::milliseconds wait) {
    const auto stream_count = streams.size();
    std::vector<std::string> command{"XREADGROUP", "GROUP", std::string(group),
                                     consumer_,    "COUNT", std::to_string(count_of_each)};
    if (wait.count() > 0) {
        command.emplace_back("BLOCK");
        command.push_back(std::to_string(wait.count()));
    }
    command.emplace_back("STREAMS");
    std::move(streams.begin(), streams.end(), std::back_inserter(command));
    command.insert(command.end(), stream_count, ">");

    const auto reply = co_await blocking_reads_.command(std::move(command));
    auto entries = reply ? parse_streams(*reply) : entries_result{reply.error()};
    if (!entries) {
        of.groups_exist = false; // perhaps that was it (NOGROUP): the next read() makes sure
        // Or the reply was lost, and with it entries that are ours since: without another look at
        // them they would wait for reclaim().
        of.own_pending_read = false;
        co_return entries.error();
    }
    const bool some = !entries->empty();
    for (auto& entry : *entries)
        waiting_[index_of(entry.lane)].push_back(std::move(entry));
    co_return some;
}

awaitable<entries_result> outbox::reclaim(core::milliseconds idle, std::size_t count) {
    round once(*this);
    std::vector<outbox_entry> all;
    for (const auto lane : outbox_lanes)
        for (int partition = 0; partition < partitions_ && all.size() < count; ++partition) {
            if (once.leaves_out(partition)) continue;
            auto some = co_await reclaim_stream(partition, lane, idle, count - all.size());
            if (some)
                std::move(some->begin(), some->end(), std::back_inserter(all));
            else
                once.fails(partition, some.error());
        }
    if (const auto error = once.error_of_all()) co_return *error;
    co_return all;
}

// One XAUTOCLAIM looks at a part of the list only, and its page may be empty while more follow:
// the list is through when the cursor is back at 0-0.
awaitable<entries_result> outbox::reclaim_stream(int partition, mail_lane lane,
                                                 core::milliseconds idle, std::size_t count) {
    std::vector<outbox_entry> claimed;
    std::string cursor = "0-0";
    do {
        std::vector<std::string> keys{stream_key(partition, lane)};
        std::vector<std::string> arguments{std::string(group), consumer_,
                                           std::to_string(idle.count()), cursor,
                                           std::to_string(count - claimed.size())};
        const auto reply = co_await writes_.script(scripts::reclaim(), keys, arguments);
        if (!reply) co_return reply.error();
        auto page = parse_page(partition, lane, *reply);
        if (!page) co_return page.error();
        cursor = page->cursor;
        for (auto& entry : page->entries)
            if (!is_waiting(entry)) claimed.push_back(std::move(entry));
    } while (cursor != "0-0" && claimed.size() < count);
    co_return claimed;
}

// True for an entry that the next read() returns: then reclaim() does not return it as well.
bool outbox::is_waiting(const outbox_entry& entry) const {
    return std::ranges::any_of(waiting_[index_of(entry.lane)], [&](const outbox_entry& other) {
        return other.partition == entry.partition && other.stream_id == entry.stream_id;
    });
}

outbox::streams_by_part outbox::code_streams() const {
    streams_by_part streams(parts_.size());
    for (std::size_t index = 0; index < parts_.size(); ++index)
        if (parts_[index].groups_exist && parts_[index].own_pending_read)
            for (const auto partition : parts_[index].partitions)
                streams[index].push_back(stream_key(partition, mail_lane::code));
    return streams;
}

void outbox::add_alert_streams(streams_by_part& to, heads which) const {
    std::vector<bool> has_head(static_cast<std::size_t>(partitions_), false);
    if (which == heads::missing)
        for (const auto& entry : waiting_[index_of(mail_lane::alert)])
            has_head[static_cast<std::size_t>(entry.partition)] = true;
    for (std::size_t index = 0; index < parts_.size(); ++index)
        if (!to[index].empty()) // it is ready
            for (const auto partition : parts_[index].partitions)
                if (!has_head[static_cast<std::size_t>(partition)])
                    to[index].push_back(stream_key(partition, mail_lane::alert));
}

awaitable<store_result<bool>> outbox::begin(outbox_entry entry) {
    std::vector<std::string> keys{stream_key(entry.partition, entry.lane)};
    std::vector<std::string> arguments{std::string(group), consumer_, entry.stream_id,
                                       std::to_string(entry.deliveries + 1)};
    const auto reply = co_await writes_.script(scripts::begin(), keys, arguments);
    if (!reply) co_return reply.error();
    if (!reply->integer()) co_return store_error::corrupt;
    co_return *reply->integer() == 1;
}

awaitable<store_result<void>> outbox::renew(std::vector<outbox_entry> in_hand) {
    // Made before the first call: waiting_ changes meanwhile.
    std::map<std::pair<int, mail_lane>, std::vector<std::string>> ids; // by stream
    const auto add = [&ids](const outbox_entry& entry) {
        ids[{entry.partition, entry.lane}].push_back(entry.stream_id);
    };
    std::ranges::for_each(in_hand, add);
    for (const auto& queue : waiting_)
        std::ranges::for_each(queue, add);
    round once(*this);
    for (auto& [place, arguments] : ids) {
        const auto [partition, lane] = place;
        if (once.leaves_out(partition)) continue;
        arguments.insert(arguments.begin(), {std::string(group), consumer_});
        std::vector<std::string> keys{stream_key(partition, lane)};
        const auto reply = co_await writes_.script(scripts::renew(), keys, arguments);
        if (!reply) once.fails(partition, reply.error());
    }
    if (const auto error = once.error_of_any()) co_return *error;
    co_return store_result<void>{};
}

awaitable<store_result<void>> outbox::settle(outbox_entry entry) {
    std::vector<std::string> keys{stream_key(entry.partition, entry.lane)};
    std::vector<std::string> arguments{std::string(group), entry.stream_id};
    co_return without_value(co_await writes_.script(scripts::settle(), keys, arguments));
}

awaitable<store_result<void>> outbox::retry(outbox_entry entry, core::unix_time due,
                                            std::vector<std::string> recipients) {
    const auto& owed = recipients.empty() ? entry.recipients : recipients;
    std::vector<std::string> keys{stream_key(entry.partition, entry.lane),
                                  retry_key(entry.partition)};
    std::vector<std::string> arguments{std::string(group),
                                       entry.stream_id,
                                       std::string(name_of(entry.lane)),
                                       std::to_string(due.time_since_epoch().count()),
                                       std::to_string(entry.attempts + 1),
                                       recipients_text(owed)};
    co_return without_value(co_await writes_.script(scripts::retry(), keys, arguments));
}

awaitable<store_result<void>> outbox::give_up(outbox_entry entry, std::string reason) {
    std::vector<std::string> keys{stream_key(entry.partition, entry.lane),
                                  dead_key(entry.partition, entry.lane)};
    std::vector<std::string> arguments{std::string(group), entry.stream_id, std::move(reason),
                                       std::to_string(entry.attempts),
                                       recipients_text(entry.recipients)};
    co_return without_value(co_await writes_.script(scripts::give_up(), keys, arguments));
}

awaitable<store_result<int>> outbox::requeue_due(core::unix_time now) {
    round once(*this);
    int moved = 0;
    for (int partition = 0; partition < partitions_; ++partition) {
        if (once.leaves_out(partition)) continue;
        auto keys = stream_keys(partition);
        keys.insert(keys.begin(), retry_key(partition));
        std::vector<std::string> arguments{std::to_string(now.time_since_epoch().count()),
                                           std::to_string(requeue_max)};
        const auto reply = co_await writes_.script(scripts::requeue(), keys, arguments);
        if (reply && reply->integer())
            moved += static_cast<int>(*reply->integer());
        else
            once.fails(partition, reply ? store_error::corrupt : reply.error());
    }
    if (const auto error = once.error_of_all()) co_return *error;
    co_return moved;
}

awaitable<store_result<outbox_counts>> outbox::counts() {
    outbox_counts sum;
    for (int partition = 0; partition < partitions_; ++partition) {
        auto keys = stream_keys(partition);
        keys.push_back(retry_key(partition));
        for (const auto lane : outbox_lanes)
            keys.push_back(dead_key(partition, lane));
        const auto reply = co_await writes_.script(scripts::outbox_counts(), keys, {});
        if (!reply) co_return reply.error();
        const auto* lengths = reply->list();
        if (!lengths || lengths->size() != 5 ||
            !std::ranges::all_of(*lengths, [](const auto& item) { return item.integer(); }))
            co_return store_error::corrupt;
        const auto length = [&](std::size_t i) { return *(*lengths)[i].integer(); };
        sum.code_backlog += length(0);
        sum.alert_backlog += length(1);
        sum.due_later += length(2);
        sum.dead += length(3) + length(4);
    }
    co_return sum;
}

} // namespace countersign::store
