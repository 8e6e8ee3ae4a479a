#include "store/accounts.hpp"

#include "core/crypto/encoding.hpp"
#include "core/decide/strangers.hpp"
#include "store/event_loop.hpp"
#include "store/local_limits.hpp"
#include "store/metadata.hpp"
#include "store/reminders.hpp"
#include "store/scripts.hpp"
#include "store/transaction_queue.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int attempts_max = 32;
// Of a version, which is a commit's id: enough to tell the writers of one account apart. The
// scripts know the number too.
constexpr std::size_t version_bytes = 8;
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

constexpr const char* history_index = "6"; // in KEYS of commit.lua

bool is_mailed(const core::event& event) {
    return !event.recipients.empty();
}

bool has_history(const std::vector<core::event>& events) {
    return std::ranges::any_of(
        events, [](const core::event& event) { return core::is_recorded(event.type); });
}

// Triples of commit.lua and erase.lua. A stranger's are queued and settled like any other, and
// mailed to nobody.
void append_mails(std::vector<std::string>& arguments, const std::vector<core::event>& events,
                  bool of_stranger) {
    for (const auto& event : events) {
        if (!is_mailed(event)) continue;
        arguments.insert(arguments.end(), {stream_index(core::lane_of(event.type)), ""});
        auto mail = event;
        if (of_stranger) mail.recipients.clear();
        arguments.push_back(core::to_json(mail));
    }
}

void append_history(std::vector<std::string>& arguments, const std::vector<core::event>& events) {
    for (const auto& event : events) {
        if (!core::is_recorded(event.type)) continue;
        arguments.insert(arguments.end(), {history_index, std::to_string(core::activity_rows_max),
                                           core::to_json(core::row_of(event))});
    }
}

// How many entries a lane of a partition may hold for these events to fit in; empty: as many as it
// does. Of `max` entries over all partitions.
std::string room_for(const change& wanted, core::mail_lane lane, std::int64_t max, int partitions) {
    const auto added = std::ranges::count_if(wanted.events, [lane](const core::event& event) {
        return is_mailed(event) && core::lane_of(event.type) == lane;
    });
    if (added == 0 || wanted.of_refusal) return {};
    return std::to_string((max + partitions - 1) / partitions - added);
}

using lane_counts = std::array<std::uint64_t, 2>; // by core::mail_lane

lane_counts by_lane(const std::vector<core::event>& events) {
    lane_counts counts{};
    for (const auto& event : events)
        if (is_mailed(event)) ++counts[static_cast<std::size_t>(core::lane_of(event.type))];
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

struct script_call {
    const script&
        code; // NOLINT(cppcoreguidelines-avoid-const-or-ref-data-members): an embedded one
    std::vector<std::string> keys;
    std::vector<std::string> arguments;
};

// Nullopt: that is no history.
std::optional<std::vector<placed_activity>> read_rows(const reply_value& reply) {
    const auto* entries = reply.list();
    if (entries == nullptr) return std::nullopt;
    std::vector<placed_activity> rows;
    for (const auto& entry : *entries) {
        const auto* parts = entry.list();
        if (parts == nullptr || parts->size() != 2) return std::nullopt;
        const auto* place = (*parts)[0].text();
        const auto* fields = (*parts)[1].list();
        if (place == nullptr || fields == nullptr || fields->size() != 2) return std::nullopt;
        const auto* text = (*fields)[1].text();
        auto row = text != nullptr ? core::activity_row_from_json(*text) : std::nullopt;
        if (!row) return std::nullopt;
        rows.push_back({*place, *std::move(row)});
    }
    return rows;
}

awaitable<void> pause_for(std::chrono::milliseconds length) {
    steady_timer timer(co_await asio::this_coro::executor, length);
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
    [[nodiscard]] std::string history_key(const core::account_id& id) const {
        return tag_of(id) + "activity:" + id.value();
    }
    // KEYS of commit.lua and erase.lua.
    enum class history : bool { untouched, written };
    [[nodiscard]] std::vector<std::string> keys_of(const core::account_id& id,
                                                   history its_history) const {
        const auto tag = tag_of(id);
        std::vector<std::string> keys{key_of(id), tag + "outbox:code", tag + "outbox:alert",
                                      tag + "retry", reminders_key(partition_of(id, partitions))};
        if (its_history == history::written) keys.push_back(history_key(id));
        return keys;
    }
    [[nodiscard]] static history history_of(const std::vector<core::event>& events) {
        return has_history(events) ? history::written : history::untouched;
    }
    // A run of commit.lua. `before`: the account as it is; nullptr: there is none yet. Most commits
    // have neither events nor a reminder, and then name the account alone: Redis spends as long on
    // what it is told as on what it does.
    [[nodiscard]] script_call commit_call(const core::account_id& id, std::string expected,
                                          std::string proposed, const core::account* before,
                                          const change& wanted) {
        auto life = life_of(id, expected);
        auto reminder = reminder_of(before, wanted.next);
        const bool alone = wanted.events.empty() && reminder.empty();
        script_call call{.code = scripts::commit(), .keys = {}, .arguments = {}};
        if (alone)
            call.keys.push_back(key_of(id));
        else
            call.keys = keys_of(id, history_of(wanted.events));
        call.arguments.reserve(alone ? 4 : 8 + 6 * wanted.events.size());
        call.arguments.push_back(std::move(expected));
        call.arguments.push_back(std::move(proposed));
        call.arguments.push_back(wanted.next ? core::to_document(*wanted.next) : "");
        call.arguments.push_back(std::move(life));
        if (alone) return call;
        call.arguments.push_back(room_for(wanted, core::mail_lane::code, limits.codes, partitions));
        call.arguments.push_back(
            room_for(wanted, core::mail_lane::alert, limits.alerts, partitions));
        call.arguments.push_back(id.value());
        call.arguments.push_back(std::move(reminder));
        append_history(call.arguments, wanted.events);
        append_mails(call.arguments, wanted.events, core::is_stranger(id));
        return call;
    }

    // Nullptr: there is none. An account is large, so it is handed on by pointer from here.
    using loaded = std::unique_ptr<loaded_account>;
    awaitable<store_result<loaded>> load(core::account_id id, steady_time until);
    store_result<loaded> read_fields(const core::account_id& id, const reply_value& reply) const;
    [[nodiscard]] std::string make_version() {
        return std::string(core::text_of(random.bytes<version_bytes>()));
    }

    // Runs commit.lua or erase.lua until it answers: true if it took effect, now or in an earlier
    // run whose answer was lost, false if the account has another version.
    // With `repeated` that argument is set to "1" in all runs but the first.
    awaitable<store_result<bool>> write(script_call call, steady_time until,
                                        std::optional<std::size_t> repeated = std::nullopt);
    awaitable<store_result<std::unique_ptr<core::account>>>
    decide_and_commit(core::account_id id, std::function<change(const core::account&)> decide,
                      transaction_queue::place& mine, steady_time until);
    // How long the account is kept, as commit.lua wants it. Strangers are forgotten; were there too
    // many new ones to remember, the rest would be at once.
    [[nodiscard]] std::string life_of(const core::account_id& id, std::string_view expected);
    awaitable<void> pause_after_lost_race(int attempts);
    void say_that_the_outbox_is_full();
    void count_commit(const lane_counts& events);
};

store_result<accounts::impl::loaded> accounts::impl::read_fields(const core::account_id& id,
                                                                 const reply_value& reply) const {
    const auto* fields = reply.list();
    if (fields && fields->size() == 2) {
        if ((*fields)[0].is_nil() && (*fields)[1].is_nil()) {
            if (!core::is_stranger(id)) return loaded();
            return std::make_unique<loaded_account>(loaded_account{core::make_stranger(id), ""});
        }
        const auto* versions = (*fields)[0].text();
        const auto* document = (*fields)[1].text();
        if (versions && document) {
            auto value = core::account_from_document(*document);
            if (value && value->id == id) {
                auto found = std::make_unique<loaded_account>();
                found->value = *std::move(value);
                found->version.assign(*versions, 0, version_bytes);
                return found;
            }
        }
    }
    spdlog::error("the document of {} is corrupt", key_of(id));
    return store_error::corrupt;
}

awaitable<store_result<accounts::impl::loaded>> accounts::impl::load(core::account_id id,
                                                                     steady_time until) {
    std::vector<std::string> arguments{"HMGET", key_of(id), "v", "d"};
    const auto reply = co_await redis.command(std::move(arguments), until);
    if (!reply) {
        if (reply.error() == store_error::corrupt)
            spdlog::error("{} is of the wrong type", key_of(id));
        co_return reply.error();
    }
    co_return read_fields(id, *reply);
}

awaitable<store_result<bool>> accounts::impl::write(script_call call, steady_time until,
                                                    std::optional<std::size_t> repeated) {
    // The scripts know their own proposal again, so running one once more is the way to ask whether
    // it ran, and does no harm if the first run is still on its way.
    if (redis.down(call.keys.front())) co_return store_error::unavailable;
    auto pause = first_unknown_outcome_pause;
    for (bool first = true;; first = false, pause *= 2) {
        if (!first) {
            counted.repeated.add();
            if (repeated) call.arguments[*repeated] = "1";
        }
        const auto reply = co_await redis.script(call.code, call.keys, call.arguments, until);
        if (reply) {
            const auto* answer = reply->integer();
            if (answer && *answer == answer_outbox_full) {
                counted.outbox_full.add();
                say_that_the_outbox_is_full();
                co_return store_error::outbox_full;
            }
            if (answer && *answer != answer_wrong_type) co_return *answer != answer_other_version;
            spdlog::error("{} or its outbox is of the wrong type", call.keys.front());
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

awaitable<void> accounts::impl::pause_after_lost_race(int attempts) {
    if (attempts >= attempts_without_pause)
        co_await pause_for(std::chrono::milliseconds(1 + random.below(longest_race_pause_ms)));
}

awaitable<store_result<std::unique_ptr<core::account>>>
accounts::impl::decide_and_commit(core::account_id id,
                                  std::function<change(const core::account&)> decide,
                                  transaction_queue::place& mine, steady_time until) {
    auto current = mine.take_inherited();
    bool inherited = current != nullptr;
    for (int attempts = 1; attempts <= attempts_max; ++attempts) {
        if (!current) {
            auto found = co_await load(id, until);
            if (!found) co_return found.error();
            if (!*found) co_return nullptr;
            current = std::move(*found);
            inherited = false;
        }
        auto wanted = decide(current->value);
        if (!wanted.next && wanted.events.empty()) {
            if (!inherited) co_return std::make_unique<core::account>(std::move(current->value));
            // Only the compare-and-set vouches for an inherited value, and none is due.
            current.reset();
            continue;
        }
        auto proposed = make_version();
        auto call = commit_call(id, current->version, proposed, &current->value, wanted);
        const auto taken = co_await write(std::move(call), until);
        if (!taken) co_return taken.error();
        if (*taken) {
            count_commit(by_lane(wanted.events));
            auto& written = wanted.next ? *wanted.next : current->value;
            mine.bequeath(written, proposed);
            co_return std::make_unique<core::account>(std::move(written));
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

bool is_activity_place(std::string_view text) noexcept {
    constexpr std::size_t digits_max = 18; // of either half: both fit in Redis' 64 bits
    const auto is_number = [](std::string_view half) {
        return !half.empty() && half.size() <= digits_max &&
               half.find_first_not_of("0123456789") == std::string_view::npos;
    };
    const auto dash = text.find('-');
    return dash != std::string_view::npos && is_number(text.substr(0, dash)) &&
           is_number(text.substr(dash + 1));
}

awaitable<store_result<std::optional<loaded_account>>> accounts::load(core::account_id id) {
    const auto self = impl_;
    auto found = co_await self->load(std::move(id), steady_time::max());
    if (!found) co_return found.error();
    if (!*found) co_return std::nullopt;
    co_return std::move(**found);
}

awaitable<store_result<std::unique_ptr<core::account>>>
accounts::transact(core::account_id id, std::function<change(const core::account&)> decide) {
    const auto self = impl_;
    const auto until = std::chrono::steady_clock::now() + transaction_budget;
    transaction_queue::place mine(self->queue, id);
    if (!mine.has_turn() && !co_await mine.turn(until))
        co_return self->redis.healthy(self->key_of(id)) ? store_error::contention
                                                        : store_error::unavailable;
    co_return co_await self->decide_and_commit(std::move(id), std::move(decide), mine, until);
}

awaitable<store_result<bool>> accounts::create(core::account value,
                                               std::vector<core::event> events) {
    const auto self = impl_;
    const auto until = std::chrono::steady_clock::now() + transaction_budget;
    const auto id = value.id;
    const change wanted{.next = std::move(value), .events = std::move(events)};
    auto call = self->commit_call(id, "", self->make_version(), nullptr, wanted);
    const auto taken = co_await self->write(std::move(call), until);
    if (taken && *taken) self->count_commit(by_lane(wanted.events));
    co_return taken;
}

awaitable<store_result<bool>> accounts::erase(core::account_id id, std::string version,
                                              std::vector<core::event> events) {
    const auto self = impl_;
    const auto until = std::chrono::steady_clock::now() + transaction_budget;
    const auto lanes = by_lane(events);
    script_call call{.code = scripts::erase(),
                     .keys = self->keys_of(id, impl::history::written),
                     .arguments = {std::move(version), "0", id.value()}};
    constexpr std::size_t repeated = 1; // the "0"
    append_mails(call.arguments, events, core::is_stranger(id));
    const auto taken = co_await self->write(std::move(call), until, repeated);
    if (taken && *taken) self->count_commit(lanes);
    co_return taken;
}

awaitable<store_result<std::vector<placed_activity>>>
accounts::activity(core::account_id id, std::string before, std::size_t count) {
    const auto self = impl_;
    const auto key = self->history_key(id);
    const auto end = before.empty() ? std::string("+") : "(" + before;
    std::vector<std::string> words{"XREVRANGE", key, end, "-", "COUNT", std::to_string(count)};
    const auto reply = co_await self->redis.command(std::move(words));
    if (!reply) co_return reply.error();
    auto rows = read_rows(*reply);
    if (!rows) {
        spdlog::error("the history at {} is corrupt", key);
        co_return store_error::corrupt;
    }
    co_return *std::move(rows);
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
