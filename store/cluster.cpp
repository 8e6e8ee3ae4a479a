#include "store/cluster.hpp"

#include "store/background.hpp"
#include "store/script_words.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/deferred.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr auto between_learnings = 200ms;
constexpr auto map_answer_max = 500ms; // a node that says nothing must not keep others from asking
constexpr auto seeds_patience = 500ms; // for the first of them to be connected
constexpr auto seeds_look = 20ms;
constexpr auto first_tidying = 3s; // by then each seed has shown whether it answers
constexpr auto tidying_each = 60s;
constexpr auto unused_kept = 2s;
constexpr auto complaints_each = 10s;
constexpr auto first_pause = 10ms; // before a call is tried again; doubles
constexpr auto longest_pause = 160ms;
// A cluster that says CLUSTERDOWN is waited for as long as a lost server is.
constexpr auto patience = 300ms;
constexpr int redirections_at_once = 4;

// The call did not run, and may a little later.
bool is_passing(std::string_view error) {
    return error == "TRYAGAIN" || error == "CLUSTERDOWN" || error == "MASTERDOWN" ||
           error == "LOADING";
}

std::string name_of(const redis_endpoint& place) {
    return place.host + ":" + place.port;
}

} // namespace

struct cluster::node {
    redis_endpoint place;
    connection link;
    steady_time opened = steady_clock::now();
    int slots = 0; // of owners_
    bool is_seed = false;

    node(const loop_executor& executor, redis_endpoint at, connection_options options)
        : place(std::move(at)), link(executor, std::move(options)) {
        link.start();
    }
};

cluster::cluster(const loop_executor& executor, connection_options options)
    : executor_(executor), node_options_(std::move(options)),
      seeds_(std::exchange(node_options_.address.seeds, {})),
      counted_(node_options_.counted ? *node_options_.counted : uncounted_), judge_(counted_),
      refused_since_(steady_time::max()), map_timer_(executor), map_news_(executor) {
    node_options_.counted = &counted_;
    owners_.fill(nobody);
    map_news_.expires_at(steady_time::max());
}

cluster::~cluster() = default;

void cluster::start() {
    // As for a single server, the first connection may take as long as a call.
    patience_ends_ = steady_clock::now() + node_options_.deadline;
    run_in_background(executor_, keep_map(shared_from_this()),
                      "redis cluster: the loop of its map");
}

void cluster::stop() {
    stopped_ = true;
    for (const auto& one : nodes_)
        if (one) one->link.stop();
    map_timer_.cancel();
    map_news_.cancel();
}

std::uint16_t cluster::index_at(const redis_endpoint& place) {
    auto free = nodes_.end();
    for (auto at = nodes_.begin(); at != nodes_.end(); ++at) {
        if (*at && (*at)->place == place) return static_cast<std::uint16_t>(at - nodes_.begin());
        if (!*at) free = at;
    }
    if (free == nodes_.end()) free = nodes_.insert(nodes_.end(), nullptr);
    auto options = node_options_;
    options.address.host = place.host;
    options.address.port = place.port;
    options.label = "redis " + name_of(place);
    *free = std::make_shared<node>(executor_, place, std::move(options));
    return static_cast<std::uint16_t>(free - nodes_.begin());
}

cluster::node_pointer cluster::node_at(const redis_endpoint& place) {
    return nodes_[index_at(place)];
}

cluster::node_pointer cluster::owner_of(int slot) const {
    const auto index = owners_[static_cast<std::size_t>(slot)];
    return index == nobody ? nullptr : nodes_[index];
}

std::vector<cluster::node_pointer> cluster::owners() const {
    std::vector<node_pointer> all;
    for (const auto& one : nodes_)
        if (one && one->slots > 0) all.push_back(one);
    return all;
}

// In turn, and one that answers if there is any.
cluster::node_pointer cluster::any_node() {
    auto all = owners();
    if (all.empty()) return nullptr;
    std::ranges::rotate(all, all.begin() + static_cast<std::ptrdiff_t>(turn_++ % all.size()));
    const auto is_healthy = [](const node_pointer& one) { return one->link.healthy(); };
    const auto found = std::ranges::find_if(all, is_healthy);
    return found == all.end() ? all.front() : *found;
}

awaitable<boost::system::result<void, store_error>> cluster::pause(std::chrono::milliseconds length,
                                                                   steady_time until) {
    if (stopped_ || steady_clock::now() + length >= until) {
        counted_.past_deadline.add();
        co_return store_error::unavailable;
    }
    if (waiting_ >= node_options_.in_flight_max) {
        counted_.queue_full.add();
        co_return store_error::overloaded;
    }
    ++waiting_;
    steady_timer timer(executor_, length);
    co_await timer.async_wait(asio::as_tuple(asio::deferred));
    --waiting_;
    co_return boost::system::result<void, store_error>();
}

awaitable<boost::system::result<void, store_error>> cluster::await_map(steady_time until) {
    want_map();
    if (!map_known_) until = std::min(until, patience_ends_);
    const auto time_left = until - steady_clock::now();
    if (stopped_ || time_left <= 0ns) {
        counted_.without_connection.add();
        co_return store_error::unavailable;
    }
    if (waiting_ >= node_options_.in_flight_max) {
        counted_.queue_full.add();
        co_return store_error::overloaded;
    }
    ++waiting_;
    const auto before = maps_learnt_;
    co_await map_news_.async_wait(asio::cancel_after(time_left, asio::as_tuple(asio::deferred)));
    --waiting_;
    if (maps_learnt_ != before) co_return boost::system::result<void, store_error>();
    counted_.without_connection.add();
    co_return store_error::unavailable;
}

awaitable<cluster::answer_result>
cluster::ask(std::optional<int> slot, std::span<const std::string_view> words, steady_time until) {
    const auto self = shared_from_this();
    node_pointer to;
    bool asking = false;
    auto length = first_pause;
    for (int redirections = 0;;) {
        if (!to) to = slot ? owner_of(*slot) : any_node();
        if (!to) {
            const auto learnt = co_await await_map(until);
            if (!learnt) co_return learnt.error();
            continue;
        }
        auto received = co_await to->link.once(words, asking, until);
        if (!received) {
            if (received.error() == store_error::unavailable) want_map();
            co_return received.error();
        }
        if (const auto aside = read_redirection(received->error, to->place.host)) {
            to = node_at(aside->to);
            asking = aside->for_once;
            if (!asking) {
                give(aside->slot, index_at(aside->to));
                want_map();
            }
            // Two nodes that send calls to each other are not asked without end.
            if (++redirections <= redirections_at_once) continue;
        } else if (is_passing(received->error)) {
            if (received->error == "CLUSTERDOWN") {
                want_map();
                const auto now = steady_clock::now();
                refused_since_ = std::min(refused_since_, now);
                if (now - refused_since_ >= patience) co_return received;
            }
            to.reset();
            asking = false;
        } else {
            refused_since_ = steady_time::max();
            co_return received;
        }
        const auto paused = co_await pause(length, until);
        if (!paused) co_return paused.error();
        length = std::min<std::chrono::milliseconds>(length * 2, longest_pause);
    }
}

awaitable<cluster::reply_result> cluster::command(std::vector<std::string> arguments,
                                                  steady_time until) {
    const auto self = shared_from_this();
    until = std::min(until, steady_clock::now() + node_options_.deadline);
    const auto key = first_key_of(arguments);
    const auto slot = key ? std::optional(cluster_slot_of(*key)) : std::nullopt;
    const std::vector<std::string_view> words(arguments.begin(), arguments.end());
    auto received = co_await ask(slot, words, until);
    if (!received) co_return received.error();
    co_return judge_(std::move(*received), arguments.front());
}

awaitable<cluster::reply_result> cluster::script(const struct script& code,
                                                 const std::vector<std::string>& keys,
                                                 const std::vector<std::string>& arguments,
                                                 steady_time until) {
    const auto self = shared_from_this();
    until = std::min(until, steady_clock::now() + node_options_.deadline);
    const auto slot = keys.empty() ? std::nullopt : std::optional(cluster_slot_of(keys.front()));
    script_words words(code, keys, arguments);
    auto received = co_await ask(slot, words.by_hash(), until);
    if (received && received->error == "NOSCRIPT")
        received = co_await ask(slot, words.by_source(), until);
    if (!received) co_return received.error();
    co_return judge_(std::move(*received), code.sha1);
}

awaitable<boost::system::result<std::vector<key_holder>, store_error>> cluster::holders() {
    const auto self = shared_from_this();
    if (!map_known_) {
        const auto learnt = co_await await_map(steady_clock::now() + node_options_.deadline);
        if (!learnt) co_return learnt.error();
    }
    std::vector<key_holder> all;
    int slots = 0;
    for (const auto& one : owners()) {
        std::vector<std::string> words{"CLUSTER", "NODES"};
        const auto reply = co_await one->link.command(std::move(words));
        const auto* text = reply ? reply->text() : nullptr;
        auto own = text != nullptr ? read_own_slots(*text) : std::nullopt;
        if (!own) {
            spdlog::warn("redis cluster: {} does not say which slots it has", name_of(one->place));
            want_map();
            co_return store_error::unavailable;
        }
        if (own->on_the_move) {
            spdlog::warn("redis cluster: slots of {} are being moved: what looks at all keys has "
                         "to wait",
                         name_of(one->place));
            co_return store_error::unavailable;
        }
        slots += own->count;
        all.push_back({.name = name_of(one->place), .slots = std::move(own->text)});
    }
    if (slots != cluster_slot_count) {
        spdlog::warn("redis cluster: {} of {} slots are served", slots, cluster_slot_count);
        want_map();
        co_return store_error::unavailable;
    }
    std::ranges::sort(all, {}, &key_holder::name);
    co_return all;
}

awaitable<cluster::reply_result>
cluster::command_at(key_holder holder, std::vector<std::string> arguments, steady_time until) {
    const auto self = shared_from_this();
    const auto named = std::ranges::find_if(
        nodes_, [&](const node_pointer& one) { return one && name_of(one->place) == holder.name; });
    if (named == nodes_.end()) co_return store_error::unavailable;
    // Its own: the node may be dropped meanwhile.
    const auto asked = *named; // NOLINT(performance-unnecessary-copy-initialization)
    co_return co_await asked->link.command(std::move(arguments), until);
}

bool cluster::healthy(std::string_view key) const noexcept {
    if (!key.empty()) {
        const auto owner = owner_of(cluster_slot_of(key));
        return owner && owner->link.healthy();
    }
    return std::ranges::any_of(nodes_, [](const node_pointer& one) {
        return one && one->slots > 0 && one->link.healthy();
    });
}

bool cluster::down(std::string_view key) const noexcept {
    if (stopped_) return true;
    if (!map_known_) return steady_clock::now() >= patience_ends_;
    if (!key.empty()) {
        const auto owner = owner_of(cluster_slot_of(key));
        return owner && owner->link.down();
    }
    return std::ranges::all_of(nodes_,
                               [](const node_pointer& one) { return !one || one->link.down(); });
}

void cluster::want_map() {
    if (std::exchange(map_wanted_, true)) return;
    map_timer_.cancel();
}

awaitable<void> cluster::keep_map(std::shared_ptr<cluster> self) {
    auto next_tidying = steady_time::max();
    while (!self->stopped_) {
        const auto now = steady_clock::now();
        if (!self->map_wanted_ && now >= next_tidying) self->map_wanted_ = true;
        if (self->map_wanted_ && now >= self->next_learning_) {
            self->map_wanted_ = false;
            self->next_learning_ = now + between_learnings;
            const bool was_known = self->map_known_;
            const bool learnt = co_await self->learn_map();
            if (self->stopped_) break;
            self->drop_unused();
            if (!self->map_known_) self->map_wanted_ = true;
            next_tidying =
                steady_clock::now() + (was_known || !learnt ? tidying_each : first_tidying);
            if (!learnt) self->complain_of_seeds();
            continue;
        }
        self->map_timer_.expires_at(self->map_wanted_ ? self->next_learning_ : next_tidying);
        co_await self->map_timer_.async_wait(asio::as_tuple(asio::deferred));
    }
}

// Asks those that answer; where none does the seeds, too, which may be other addresses by now.
awaitable<bool> cluster::learn_map() {
    const auto healthy_nodes = [this] {
        auto found = nodes_;
        std::erase_if(found, [](const node_pointer& one) { return !one || !one->link.healthy(); });
        return found;
    };
    auto asked = healthy_nodes();
    if (asked.empty()) {
        for (const auto& seed : seeds_)
            node_at(seed)->is_seed = true;
        steady_timer timer(executor_);
        const auto until = steady_clock::now() + seeds_patience;
        while (asked.empty() && !stopped_ && steady_clock::now() < until) {
            timer.expires_after(seeds_look);
            co_await timer.async_wait(asio::as_tuple(asio::deferred));
            asked = healthy_nodes();
        }
    }
    for (const auto& one : asked)
        if (!stopped_ && co_await learn_map_from(one)) co_return true;
    co_return false;
}

awaitable<bool> cluster::learn_map_from(node_pointer asked) {
    constexpr std::array<std::string_view, 2> words{"CLUSTER", "SLOTS"};
    const auto received =
        co_await asked->link.once(words, false, steady_clock::now() + map_answer_max);
    if (stopped_ || !received) co_return false;
    if (!received->error.empty()) {
        if (const auto now = steady_clock::now(); now >= next_complaint_) {
            next_complaint_ = now + complaints_each;
            spdlog::error("redis cluster: {} is no node of a cluster (CLUSTER SLOTS: {})",
                          name_of(asked->place), received->error);
        }
        co_return false;
    }
    const auto ranges = read_slot_map(received->value, asked->place.host);
    if (!ranges || ranges->empty()) {
        if (const auto now = steady_clock::now(); now >= next_complaint_) {
            next_complaint_ = now + complaints_each;
            spdlog::error("redis cluster: {} knows of no node that has slots",
                          name_of(asked->place));
        }
        co_return false;
    }
    adopt(*ranges);
    co_return true;
}

void cluster::adopt(const std::vector<slot_range>& ranges) {
    owners_.fill(nobody);
    for (const auto& one : nodes_)
        if (one) one->slots = 0;
    for (const auto& range : ranges) {
        const auto index = index_at(range.master);
        for (int slot = range.first; slot <= range.last; ++slot)
            give(slot, index);
    }
    if (!std::exchange(map_known_, true))
        spdlog::info("redis cluster: {} nodes have slots", owners().size());
    ++maps_learnt_;
    map_news_.cancel();
}

void cluster::give(int slot, std::uint16_t owner) {
    auto& index = owners_[static_cast<std::size_t>(slot)];
    if (index != nobody) --nodes_[index]->slots;
    index = owner;
    ++nodes_[owner]->slots;
}

// Nodes that no longer have slots, and seeds that are known by another address. A call under way
// holds its node; what has been open for a moment only may be the target of an ASK.
void cluster::drop_unused() {
    const auto now = steady_clock::now();
    for (auto& one : nodes_) {
        if (!one || one->slots > 0 || one.use_count() > 1) continue;
        if (now - one->opened < unused_kept) continue;
        if (one->is_seed && !one->link.healthy())
            spdlog::warn("redis cluster: {} of the URL does not answer", name_of(one->place));
        one->link.stop();
        one.reset();
    }
}

void cluster::complain_of_seeds() {
    const auto now = steady_clock::now();
    if (now < next_complaint_) return;
    next_complaint_ = now + complaints_each;
    for (const auto& one : nodes_)
        if (one && !one->link.healthy())
            spdlog::warn("redis cluster: {} does not answer", name_of(one->place));
}

} // namespace countersign::store
