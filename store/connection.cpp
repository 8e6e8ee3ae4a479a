#include "store/connection.hpp"

#include "store/background.hpp"
#include "store/cluster.hpp"
#include "store/cluster_slots.hpp"
#include "store/event_loop.hpp"
#include "store/redis_answer.hpp"
#include "store/script_words.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/redis/connection.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;
namespace redis = boost::redis;
using namespace std::chrono_literals;

namespace {

constexpr auto first_pause = 20ms; // between two attempts to connect; doubles
constexpr auto longest_pause = 200ms;
// How long after a loss calls still wait for the connection to come back, before they fail at once.
constexpr auto patience = 300ms;
constexpr auto log_interval = 10s; // between two lines about the same trouble

reply_value leaf(const redis::resp3::node_view& node) {
    using redis::resp3::type;
    if (node.data_type == type::null) return {};
    if (node.data_type == type::number) {
        std::int64_t number = 0;
        std::from_chars(node.value.data(), node.value.data() + node.value.size(), number);
        return {number};
    }
    if (redis::resp3::is_aggregate(node.data_type)) {
        std::vector<reply_value> items;
        items.reserve(node.aggregate_size * redis::resp3::element_multiplicity(node.data_type));
        return {std::move(items)};
    }
    return {std::string(node.value)};
}

// Nodes arrive in the order of a depth-first walk, so a node belongs to the last list above it.
void add_node(answer& to, const redis::resp3::node_view& node) {
    using redis::resp3::type;
    if (node.data_type == type::simple_error || node.data_type == type::blob_error) {
        to.error = node.value.substr(0, node.value.find(' '));
        if (to.error == "MOVED" || to.error == "ASK") to.error = node.value;
        return;
    }
    auto* place = &to.value;
    for (std::size_t depth = 0; depth < node.depth; ++depth) {
        auto& items = std::get<std::vector<reply_value>>(place->value);
        if (depth + 1 == node.depth) items.emplace_back();
        place = &items.back();
    }
    *place = leaf(node);
}

redis::any_adapter collect_into(answer& to) {
    return redis::any_adapter{[&to](redis::any_adapter::parse_event event,
                                    const redis::resp3::node_view& node,
                                    boost::system::error_code&) {
        if (event == redis::any_adapter::parse_event::node) add_node(to, node);
    }};
}

redis::config make_config(const connection_options& options) {
    const auto& address = options.address;
    redis::config config;
    config.use_ssl = address.tls;
    config.unix_socket = address.unix_socket;
    config.addr = {address.host, address.port};
    config.resolve_timeout = config.connect_timeout = config.ssl_handshake_timeout = 1s;
    // Boost.Redis pings after one interval without a request and gives up after two without data.
    config.health_check_interval = options.deadline / 2;
    config.reconnect_wait_interval = 0s; // keep_connected() does it, because it has to know
    config.use_setup = true;
    config.setup.clear();
    if (address.password.empty())
        config.setup.hello_setname(options.name);
    else
        config.setup.hello_setname(address.user.empty() ? "default" : address.user,
                                   address.password, options.name);
    if (address.database != 0) config.setup.push("SELECT", address.database);
    return config;
}

asio::ssl::context make_tls_context(const redis_address& address) {
    asio::ssl::context context{asio::ssl::context::tls_client};
    if (address.tls) {
        context.set_default_verify_paths();
        context.set_verify_mode(asio::ssl::verify_peer);
        context.set_verify_callback(asio::ssl::host_name_verification(address.host));
    }
    return context;
}

redis::logger make_logger() {
    using level = redis::logger::level;
    return {level::info, [](level, std::string_view text) { spdlog::debug("redis: {}", text); }};
}

// What RESP puts about a word: a sign, its length, two line ends.
constexpr std::size_t frame_size = 16;

// Requests that were not written yet survive a loss of the connection; written ones do not, because
// they may have run (Boost.Redis' cancel_if_unresponded, on by default).
redis::request make_request(std::span<const std::string_view> words, bool asking = false) {
    redis::request request;
    std::size_t size = 0;
    for (const auto word : words)
        size += word.size() + frame_size;
    request.reserve(size + frame_size);
    if (asking) request.push("ASKING"); // one request: nothing gets between the two
    if (words.size() == 1)
        request.push(words.front());
    else
        request.push_range(words.front(), words.begin() + 1, words.end());
    return request;
}

} // namespace

bool reply_value::is_nil() const noexcept {
    return value.index() == 0;
}
const std::string* reply_value::text() const noexcept {
    return std::get_if<std::string>(&value);
}
const std::int64_t* reply_value::integer() const noexcept {
    return std::get_if<std::int64_t>(&value);
}
const std::vector<reply_value>* reply_value::list() const noexcept {
    return std::get_if<std::vector<reply_value>>(&value);
}

// Shared with the background loop and the calls under way.
struct connection::impl : std::enable_shared_from_this<impl> {
    impl(const loop_executor& executor, connection_options given)
        : options(std::move(given)), counted(options.counted ? *options.counted : uncounted),
          judge(counted), config(make_config(options)),
          link(executor, make_tls_context(options.address), make_logger()), pause_timer(executor) {
        probe.push("PING");
    }

    [[nodiscard]] steady_time deadline_of_a_call(steady_time until) const {
        const auto earliest = std::min(until, std::chrono::steady_clock::now() + options.deadline);
        return up ? earliest : std::min(earliest, patience_ends);
    }

    // The one way to Redis.
    awaitable<boost::system::result<answer, store_error>> exec(redis::request request,
                                                               steady_time until) {
        const auto self = shared_from_this();
        const auto deadline = deadline_of_a_call(until);
        const auto time_left = deadline - std::chrono::steady_clock::now();
        counted.calls.add();
        if (stopped || time_left <= 0ns) {
            counted.without_connection.add();
            co_return store_error::unavailable;
        }
        if (in_flight >= options.in_flight_max) {
            counted.queue_full.add();
            co_return store_error::overloaded;
        }
        struct slot {
            impl& of;
            explicit slot(impl& taker) : of(taker) { ++of.in_flight, of.counted.in_flight.add(1); }
            slot(const slot&) = delete;
            slot& operator=(const slot&) = delete;
            ~slot() { --of.in_flight, of.counted.in_flight.add(-1); }
        } const taken(*this);

        answer received;
        const auto [error, size] =
            co_await link.async_exec(request, collect_into(received),
                                     asio::cancel_after(time_left, asio::as_tuple(asio::deferred)));
        answering = !error;
        if (error) {
            const bool late = std::chrono::steady_clock::now() >= deadline;
            (late ? counted.past_deadline : counted.without_connection).add();
            co_return store_error::unavailable;
        }
        co_return std::move(received);
    }

    // Nothing else tells that a new connection works: connecting succeeds with a frozen server.
    void send_probe() {
        probing = true;
        link.async_exec(probe, redis::ignore,
                        [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                            self->probing = false;
                            if (!error) self->note_connected();
                        });
    }

    void note_connected() {
        if (!up && !stopped) spdlog::info("{}: connected", options.label);
        up = answering = true;
        next_down_line = {};
    }

    void note_lost(boost::system::error_code error) {
        const auto now = std::chrono::steady_clock::now();
        if (up) patience_ends = now + patience;
        up = false;
        if (now < next_down_line) return;
        next_down_line = now + log_interval;
        spdlog::warn("{}: no connection: {}", options.label, error.message());
    }

    static awaitable<void> keep_connected(std::shared_ptr<impl> self) {
        auto pause = first_pause;
        while (!self->stopped) {
            if (!self->probing) self->send_probe();
            const auto [error] =
                co_await self->link.async_run(self->config, asio::as_tuple(asio::deferred));
            if (self->stopped) break;
            pause = self->up ? first_pause : std::min(pause * 2, longest_pause);
            self->note_lost(error);
            self->pause_timer.expires_after(pause);
            co_await self->pause_timer.async_wait(asio::as_tuple(asio::deferred));
        }
    }

    connection_options options;
    redis_counters uncounted; // where nobody asks
    redis_counters& counted;
    answer_judge judge;
    redis::config config;
    redis::basic_connection<loop_executor> link;
    steady_timer pause_timer;
    redis::request probe;
    std::size_t in_flight = 0;
    bool stopped = false;
    bool probing = false;
    bool up = false;        // the present connection has answered
    bool answering = false; // the last call was answered
    steady_time patience_ends{};
    steady_time next_down_line{};
};

boost::system::result<reply_value, store_error> answer_judge::operator()(answer received,
                                                                         std::string_view what) {
    if (received.error.empty()) return std::move(received.value);
    counted_.error_replies.add();
    if (const auto now = std::chrono::steady_clock::now(); now >= next_error_line_) {
        next_error_line_ = now + 1s;
        const bool elsewhere = received.error.starts_with("MOVED");
        spdlog::error("redis answered {} with {}{}", what, received.error,
                      elsewhere ? ": a cluster's URL begins with redis+cluster://" : "");
    }
    if (received.error == "WRONGTYPE") return store_error::corrupt;
    return store_error::unavailable;
}

connection::connection(const loop_executor& executor, connection_options options) {
    if (options.address.seeds.empty())
        impl_ = std::make_shared<impl>(executor, std::move(options));
    else
        cluster_ = std::make_shared<cluster>(executor, std::move(options));
}

connection::~connection() = default;

void connection::start() {
    if (cluster_) return cluster_->start();
    // The first connection may take as long as a call.
    impl_->patience_ends = std::chrono::steady_clock::now() + impl_->options.deadline;
    run_in_background(impl_->link.get_executor(), impl::keep_connected(impl_),
                      "redis: the connection loop");
}

void connection::stop() {
    if (cluster_) return cluster_->stop();
    impl_->stopped = true;
    impl_->up = false;
    impl_->link.cancel();
    impl_->pause_timer.cancel();
}

awaitable<boost::system::result<reply_value, store_error>>
connection::command(std::vector<std::string> arguments, steady_time until) {
    if (cluster_) co_return co_await cluster_->command(std::move(arguments), until);
    const auto self = impl_;
    const std::vector<std::string_view> words(arguments.begin(), arguments.end());
    auto received = co_await self->exec(make_request(words), until);
    if (!received) co_return received.error();
    co_return self->judge(std::move(*received), arguments.front());
}

awaitable<boost::system::result<reply_value, store_error>>
connection::script(const struct script& code, const std::vector<std::string>& keys,
                   const std::vector<std::string>& arguments, steady_time until) {
    if (cluster_) co_return co_await cluster_->script(code, keys, arguments, until);
    const auto self = impl_;
    until = std::min(until, std::chrono::steady_clock::now() + self->options.deadline);
    script_words words(code, keys, arguments);
    auto received = co_await self->exec(make_request(words.by_hash()), until);
    if (received && received->error == "NOSCRIPT")
        received = co_await self->exec(make_request(words.by_source()), until);
    if (!received) co_return received.error();
    co_return self->judge(std::move(*received), code.sha1);
}

awaitable<boost::system::result<answer, store_error>>
connection::once(std::span<const std::string_view> words, bool asking, steady_time until) {
    const auto self = impl_;
    co_return co_await self->exec(make_request(words, asking), until);
}

std::vector<std::vector<std::size_t>>
connection::together(const std::vector<std::string>& keys) const {
    std::vector<std::vector<std::size_t>> groups;
    std::map<int, std::size_t> places; // in groups, by slot
    for (std::size_t index = 0; index < keys.size(); ++index) {
        const auto slot = cluster_ ? cluster_slot_of(keys[index]) : 0;
        const auto [place, is_new] = places.try_emplace(slot, groups.size());
        if (is_new) groups.emplace_back();
        groups[place->second].push_back(index);
    }
    return groups;
}

awaitable<boost::system::result<std::vector<key_holder>, store_error>> connection::holders() {
    if (cluster_) co_return co_await cluster_->holders();
    co_return std::vector<key_holder>{{}};
}

awaitable<boost::system::result<reply_value, store_error>>
connection::command_at(key_holder holder, std::vector<std::string> arguments, steady_time until) {
    if (cluster_)
        co_return co_await cluster_->command_at(std::move(holder), std::move(arguments), until);
    co_return co_await command(std::move(arguments), until);
}

bool connection::healthy(std::string_view key) const noexcept {
    if (cluster_) return cluster_->healthy(key);
    return impl_->up && impl_->answering;
}
bool connection::down(std::string_view key) const noexcept {
    if (cluster_) return cluster_->down(key);
    return impl_->stopped ||
           (!impl_->up && std::chrono::steady_clock::now() >= impl_->patience_ends);
}

} // namespace countersign::store
