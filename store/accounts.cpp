#include "store/accounts.hpp"

#include "core/decide/strangers.hpp"
#include "store/local_limits.hpp"
#include "store/metadata.hpp"
#include "store/reminders.hpp"
#include "store/scripts.hpp"
#include "store/transaction_queue.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int attempts_max = 32;
constexpr std::size_t commit_id_bytes = 8; // enough to tell the writers of one account apart
constexpr int attempts_without_pause = 3;
constexpr std::uint32_t longest_race_pause_ms = 8;
constexpr std::chrono::milliseconds first_unknown_outcome_pause = 25ms; // doubles
constexpr std::chrono::seconds outbox_full_said_every{10};
// Longer than any pause. A stranger takes some 400 bytes: at most 40 MB a thread.
constexpr std::chrono::milliseconds stranger_life = 24h;
constexpr std::chrono::milliseconds forgotten_stranger_life = 1s;
constexpr rate_rule strangers_remembered{"strangers", 100'000, 24h};

// The answers of commit.lua and erase.lua.
constexpr std::int64_t answer_outbox_full = -2;
constexpr std::int64_t answer_wrong_type = -1;
constexpr std::int64_t answer_other_version = 0;

// The stream's index in KEYS of commit.lua and erase.lua.
const char* stream_index(core::mail_lane lane) {
    switch (lane) {
    case core::mail_lane::code:
        return "2";
    case core::mail_lane::alert:
        return "3";
    }
    return "";
}

void append_events(std::vector<std::string>& arguments, const std::vector<core::event>& events) {
    for (const auto& event : events) {
        arguments.emplace_back(stream_index(core::lane_of(event.type)));
        arguments.push_back(core::to_json(event));
    }
}

// How many entries a lane of a partition may hold for these events to fit in; empty: as many as it
// does. Of `max` entries over all partitions.
std::string room_for(const change& wanted, core::mail_lane lane, std::int64_t max, int partitions) {
    const auto added = std::ranges::count_if(wanted.events, [lane](const core::event& event) {
        return core::lane_of(event.type) == lane;
    });
    if (added == 0 || wanted.of_refusal) return {};
    return std::to_string((max + partitions - 1) / partitions - added);
}

using lane_counts = std::array<std::uint64_t, 2>; // by core::mail_lane

lane_counts by_lane(const std::vector<core::event>& events) {
    lane_counts counts{};
    for (const auto& event : events)
        ++counts[static_cast<std::size_t>(core::lane_of(event.type))];
    return counts;
}

// When commit.lua is to have the notifier reminded of the account; empty: as it is. Every write of
// an account says so, so the reminders are what the accounts want.
std::string reminder_of(const core::account* before, const std::optional<core::account>& next) {
    if (!next) return {};
    const auto due = core::notice_due(*next);
    const auto was_due = before != nullptr ? core::notice_due(*before) : std::nullopt;
    if (due == was_due) return {};
    return due ? std::to_string(due->time_since_epoch().count()) : "never";
}

asio::awaitable<void> pause_for(std::chrono::milliseconds length) {
    asio::steady_timer timer(co_await asio::this_coro::executor, length);
    co_await timer.async_wait(asio::as_tuple(asio::deferred));
}

} // namespace

struct accounts::impl {
    impl(connection& connection, core::random_source& source, int partition_count,
         outbox_limits allowed, account_counters* count_into)
        : redis(connection), random(source), partitions(partition_count), limits(allowed),
          counted(count_into ? *count_into : uncounted) {}

    connection& redis;
    core::random_source& random;
    int partitions;
    outbox_limits limits;
    account_counters uncounted; // where nobody asks
    account_counters& counted;
    local_limits new_strangers{1};
    steady_time outbox_full_silence{}; // until then the log does not say it again
    std::shared_ptr<transaction_queue> queue = std::make_shared<transaction_queue>();

    [[nodiscard]] std::string tag_of(const core::account_id& id) const {
        return "cs:{" + std::to_string(partition_of(id, partitions)) + "}:";
    }
    [[nodiscard]] std::string key_of(const core::account_id& id) const {
        return tag_of(id) + (core::is_stranger(id) ? "stranger:" : "account:") + id.value();
    }
    // KEYS of commit.lua and erase.lua.
    [[nodiscard]] std::vector<std::string> keys_of(const core::account_id& id) const {
        const auto tag = tag_of(id);
        return {key_of(id), tag + "outbox:code", tag + "outbox:alert", tag + "retry",
                reminders_key(partition_of(id, partitions))};
    }
    // ARGV of commit.lua. `before`: the account as it is; nullptr: there is none yet.
    [[nodiscard]] std::vector<std::string>
    commit_arguments(const core::account_id& id, std::string expected, std::string proposed,
                     const core::account* before, const change& wanted) {
        std::vector<std::string> arguments{
            expected,
            std::move(proposed),
            wanted.next ? core::to_document(*wanted.next) : "",
            room_for(wanted, core::mail_lane::code, limits.codes, partitions),
            room_for(wanted, core::mail_lane::alert, limits.alerts, partitions),
            id.value(),
            reminder_of(before, wanted.next),
            life_of(id, expected)};
        append_events(arguments, wanted.events);
        return arguments;
    }

    asio::awaitable<store_result<std::optional<loaded_account>>> load(core::account_id id,
                                                                      steady_time until);
    store_result<std::optional<loaded_account>> read_fields(const core::account_id& id,
                                                            const reply_value& reply) const;

    // Runs commit.lua or erase.lua until it answers: true if it took effect, now or in an earlier
    // run whose answer was lost, false if the account has another version.
    // With `repeated` that argument is set to "1" in all runs but the first.
    asio::awaitable<store_result<bool>> write(const script& code, core::account_id id,
                                              std::vector<std::string> arguments, steady_time until,
                                              std::optional<std::size_t> repeated = std::nullopt);
    asio::awaitable<store_result<std::optional<core::account>>>
    decide_and_commit(core::account_id id, std::function<change(const core::account&)> decide,
                      transaction_queue::place& mine, steady_time until);
    // How long the account is kept, as commit.lua wants it. Strangers are forgotten; were there too
    // many new ones to remember, the rest would be at once.
    [[nodiscard]] std::string life_of(const core::account_id& id, std::string_view expected);
    asio::awaitable<void> pause_after_lost_race(int attempts);
    void say_that_the_outbox_is_full();
    void count_commit(const lane_counts& events);
};

store_result<std::optional<loaded_account>>
accounts::impl::read_fields(const core::account_id& id, const reply_value& reply) const {
    const auto* fields = reply.list();
    if (fields && fields->size() == 2) {
        if ((*fields)[0].is_nil() && (*fields)[1].is_nil()) {
            if (core::is_stranger(id))
                return std::optional(loaded_account{core::make_stranger(id), ""});
            return std::nullopt;
        }
        const auto* version = (*fields)[0].text();
        const auto* document = (*fields)[1].text();
        if (version && document) {
            auto value = core::account_from_document(*document);
            if (value && value->id == id)
                return std::optional(loaded_account{std::move(*value), *version});
        }
    }
    spdlog::error("the document of {} is corrupt", key_of(id));
    return store_error::corrupt;
}

asio::awaitable<store_result<std::optional<loaded_account>>>
accounts::impl::load(core::account_id id, steady_time until) {
    std::vector<std::string> arguments{"HMGET", key_of(id), "v", "d"};
    const auto reply = co_await redis.command(std::move(arguments), until);
    if (!reply) {
        if (reply.error() == store_error::corrupt)
            spdlog::error("{} is of the wrong type", key_of(id));
        co_return reply.error();
    }
    co_return read_fields(id, *reply);
}

asio::awaitable<store_result<bool>> accounts::impl::write(const script& code, core::account_id id,
                                                          std::vector<std::string> arguments,
                                                          steady_time until,
                                                          std::optional<std::size_t> repeated) {
    // The scripts know their own proposal again, so running one once more is the way to ask whether
    // it ran, and does no harm if the first run is still on its way.
    if (redis.down()) co_return store_error::unavailable;
    const auto keys = keys_of(id);
    auto pause = first_unknown_outcome_pause;
    for (bool first = true;; first = false, pause *= 2) {
        if (!first) {
            counted.repeated.add();
            if (repeated) arguments[*repeated] = "1";
        }
        const auto reply = co_await redis.script(code, keys, arguments, until);
        if (reply) {
            const auto* answer = reply->integer();
            if (answer && *answer == answer_outbox_full) {
                counted.outbox_full.add();
                say_that_the_outbox_is_full();
                co_return store_error::outbox_full;
            }
            if (answer && *answer != answer_wrong_type) co_return *answer != answer_other_version;
            spdlog::error("{} or its outbox is of the wrong type", key_of(id));
            co_return store_error::corrupt;
        }
        // The first call did not run if it met a full queue; of later ones nothing follows.
        if (first && reply.error() == store_error::overloaded) co_return store_error::overloaded;
        if (reply.error() == store_error::corrupt) co_return store_error::corrupt;
        if (std::chrono::steady_clock::now() + pause >= until) co_return store_error::unavailable;
        co_await pause_for(pause);
    }
}

std::string accounts::impl::life_of(const core::account_id& id, std::string_view expected) {
    if (!core::is_stranger(id)) return {};
    const bool remembered =
        !expected.empty() || new_strangers
                                 .apply(strangers_remembered, "all", rate_use::take,
                                        std::chrono::time_point_cast<core::milliseconds>(
                                            std::chrono::system_clock::now()))
                                 .allowed;
    return std::to_string((remembered ? stranger_life : forgotten_stranger_life).count());
}

asio::awaitable<void> accounts::impl::pause_after_lost_race(int attempts) {
    if (attempts >= attempts_without_pause)
        co_await pause_for(std::chrono::milliseconds(1 + random.below(longest_race_pause_ms)));
}

asio::awaitable<store_result<std::optional<core::account>>>
accounts::impl::decide_and_commit(core::account_id id,
                                  std::function<change(const core::account&)> decide,
                                  transaction_queue::place& mine, steady_time until) {
    auto current = mine.take_inherited();
    bool inherited = current.has_value();
    for (int attempts = 1; attempts <= attempts_max; ++attempts) {
        if (!current) {
            auto loaded = co_await load(id, until);
            if (!loaded) co_return loaded.error();
            auto& found = *loaded;
            if (!found) co_return std::nullopt;
            current.emplace(std::move(*found));
            inherited = false;
        }
        auto wanted = decide(current->value);
        if (core::is_stranger(id))
            for (auto& event : wanted.events)
                event.recipients.clear(); // queued and settled like any other, and mailed to nobody
        if (!wanted.next && wanted.events.empty()) {
            if (!inherited) co_return std::move(current->value);
            // Only the compare-and-set vouches for an inherited value, and none is due.
            current.reset();
            continue;
        }
        auto proposed = random.hex(commit_id_bytes);
        auto arguments = commit_arguments(id, current->version, proposed, &current->value, wanted);
        const auto taken = co_await write(scripts::commit(), id, std::move(arguments), until);
        if (!taken) co_return taken.error();
        if (*taken) {
            count_commit(by_lane(wanted.events));
            auto& value = wanted.next ? *wanted.next : current->value;
            mine.bequeath(value, proposed);
            co_return std::move(value);
        }
        counted.lost_races.add();
        current.reset();
        co_await pause_after_lost_race(attempts);
    }
    co_return store_error::contention;
}

void accounts::impl::count_commit(const lane_counts& events) {
    counted.commits.add();
    for (std::size_t lane = 0; lane < events.size(); ++lane)
        counted.events[lane].add(events[lane]);
}

// Every refused request would say so otherwise.
void accounts::impl::say_that_the_outbox_is_full() {
    const auto now = std::chrono::steady_clock::now();
    if (now < outbox_full_silence) return;
    outbox_full_silence = now + outbox_full_said_every;
    spdlog::error("the outbox is full: changes that need a mail are refused until mails are sent "
                  "(see `countersign mail status`, mail.outbox_max and mail.outbox_codes_max)");
}

accounts::accounts(connection& redis, core::random_source& random, int partitions,
                   outbox_limits limits, account_counters* counted)
    : impl_(std::make_shared<impl>(redis, random, partitions, limits, counted)) {}

accounts::~accounts() = default;

asio::awaitable<store_result<std::optional<loaded_account>>> accounts::load(core::account_id id) {
    return impl_->load(std::move(id), steady_time::max());
}

asio::awaitable<store_result<std::optional<core::account>>>
accounts::transact(core::account_id id, std::function<change(const core::account&)> decide) {
    const auto self = impl_;
    const auto until = std::chrono::steady_clock::now() + transaction_budget;
    transaction_queue::place mine(self->queue, id);
    if (!mine.has_turn() && !co_await mine.turn(until))
        co_return self->redis.healthy() ? store_error::contention : store_error::unavailable;
    co_return co_await self->decide_and_commit(std::move(id), std::move(decide), mine, until);
}

asio::awaitable<store_result<bool>> accounts::create(core::account value,
                                                     std::vector<core::event> events) {
    const auto self = impl_;
    const auto until = std::chrono::steady_clock::now() + transaction_budget;
    const auto id = value.id;
    const change wanted{.next = std::move(value), .events = std::move(events)};
    auto arguments =
        self->commit_arguments(id, "", self->random.hex(commit_id_bytes), nullptr, wanted);
    const auto taken = co_await self->write(scripts::commit(), id, std::move(arguments), until);
    if (taken && *taken) self->count_commit(by_lane(wanted.events));
    co_return taken;
}

asio::awaitable<store_result<bool>> accounts::erase(core::account_id id, std::string version,
                                                    std::vector<core::event> events) {
    const auto self = impl_;
    const auto until = std::chrono::steady_clock::now() + transaction_budget;
    const auto lanes = by_lane(events);
    std::vector<std::string> arguments{std::move(version), "0", id.value()};
    constexpr std::size_t repeated = 1; // the "0"
    append_events(arguments, events);
    const auto taken = co_await self->write(scripts::erase(), std::move(id), std::move(arguments),
                                            until, repeated);
    if (taken && *taken) self->count_commit(lanes);
    co_return taken;
}

std::optional<core::account_id> accounts::id_of_key(std::string_view key) const {
    constexpr std::string_view before_id = "}:account:";
    const auto found = key.find(before_id);
    if (found == std::string_view::npos) return std::nullopt;
    core::account_id id(std::string(key.substr(found + before_id.size())));
    if (impl_->key_of(id) != key) return std::nullopt;
    return id;
}

} // namespace countersign::store
