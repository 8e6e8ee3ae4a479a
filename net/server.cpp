#include "net/server.hpp"

#include "net/connection.hpp"
#include "net/listener.hpp"
#include "net/task_group.hpp"
#include "net/tls.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

// How long cancelled requests have to end, with the linger of their connections, and a dispatcher
// to stop.
constexpr std::chrono::seconds cancelled_grace{3};
// What idle connections are given to notice, however impatient the caller.
constexpr std::chrono::milliseconds patience_min{100};
constexpr std::chrono::seconds dispatcher_stop_deadline{5};
// Descriptors for all else: logs, Redis, files, the event loops.
constexpr rlim_t descriptors_reserved = 128;

// One thread and all that it owns.
class worker {
public:
    worker(const server_options& options, std::size_t connections_max, connection_counters* counted)
        : connections_(context_), tasks_(context_.get_executor()),
          background_(context_.get_executor()), check_timer_(context_) {
        connections_.bounds = options.bounds;
        connections_.bounds.connections_per_thread_max = connections_max;
        connections_.time = options.time;
        connections_.proxies = options.proxies;
        connections_.counted = counted ? counted : &uncounted_;
        connections_.check();
    }

    [[nodiscard]] std::uint16_t listen(const asio::ip::tcp::endpoint& endpoint, bool shared) {
        auto acceptor = listen_on(context_, endpoint, shared);
        const auto port = acceptor.local_endpoint().port();
        listener_.emplace(std::move(acceptor), connections_, tasks_);
        return port;
    }

    // Before start(). `checked` is called with each look at the deadlines, on this thread.
    void speak_tls(const tls_identity& identity, const ticket_keys::key& key,
                   std::function<void()> checked) {
        tickets_.emplace(key);
        connections_.tls.emplace(identity, *tickets_);
        checked_ = std::move(checked);
    }
    // By any thread, while this one runs.
    void use(tls_context context) {
        asio::post(context_, [this, fresh = std::move(context)]() mutable {
            connections_.tls.emplace(std::move(fresh));
        });
    }
    void use(const ticket_keys::key& key) {
        asio::post(context_, [this, key] { tickets_->replace(key); });
    }
    [[nodiscard]] tls_context make_context(const tls_identity& identity) {
        return {identity, *tickets_};
    }

    // Starts the thread, which runs `factory`, and returns when that is done; throws what it threw.
    void start(const dispatcher_factory& factory, std::size_t index) {
        std::promise<void> ready;
        auto started = ready.get_future();
        thread_ =
            std::thread([this, &factory, &ready, index] { thread_main(factory, ready, index); });
        started.get();
    }

    void begin_stop(std::chrono::milliseconds patience) {
        if (!thread_.joinable()) return;
        // The last thing to run: not in a group, because it waits for both of them.
        asio::co_spawn(context_, stop(patience), [this](const std::exception_ptr& error) {
            if (error) spdlog::critical("the server could not be stopped in order");
            ended_ = ended_ && !error;
            context_.stop();
        });
    }
    // True if everything has ended.
    bool join() {
        if (thread_.joinable()) thread_.join();
        return ended_;
    }

private:
    void thread_main(const dispatcher_factory& factory, std::promise<void>& ready,
                     std::size_t index) {
        try {
            dispatcher_ = factory(context_, index);
            connections_.handler = dispatcher_.get();
        } catch (...) {
            dispatcher_.reset();
            ready.set_exception(std::current_exception());
            return;
        }
        background_.spawn("deadlines", check_deadlines());
        background_.spawn("listener", listener_->run());
        ready.set_value(); // not to be touched from here on
        run();
        if (ended_) dispatcher_.reset();
    }

    void run() {
        while (!context_.stopped()) {
            try {
                context_.run();
            } catch (const std::exception& exception) {
                spdlog::critical("an event handler threw: {}", exception.what());
            }
        }
    }

    awaitable<void> check_deadlines() {
        while (!stopping_checks_) {
            connections_.check();
            if (checked_) checked_();
            error_code ignored;
            check_timer_.expires_after(connections_.time.check_interval);
            co_await check_timer_.async_wait(asio::redirect_error(asio::deferred, ignored));
        }
    }

    awaitable<void> stop(std::chrono::milliseconds patience) {
        listener_->close();
        connections_.begin_drain();
        if (!co_await tasks_.drained(steady_clock::now() + std::max(patience, patience_min))) {
            spdlog::warn("{} connections are cut off", tasks_.size());
            tasks_.cancel(asio::cancellation_type::terminal);
            (void)co_await tasks_.drained(steady_clock::now() + cancelled_grace);
        }
        co_await stop_dispatcher();
        stopping_checks_ = true;
        check_timer_.cancel();
        const bool quiet = co_await background_.drained(steady_clock::now() + cancelled_grace);
        // A connection may have been accepted while all this ended.
        ended_ = co_await tasks_.drained(steady_clock::now() + cancelled_grace) && quiet;
        if (!ended_) spdlog::error("{} connections did not end", tasks_.size());
    }

    awaitable<void> stop_dispatcher() {
        try {
            co_await asio::co_spawn(context_, dispatcher_->stop(),
                                    asio::cancel_after(dispatcher_stop_deadline, asio::deferred));
        } catch (const std::exception& exception) {
            spdlog::error("a dispatcher did not stop: {}", exception.what());
        }
    }

    // The event loop goes last: what stands below it has sockets and timers on it.
    asio::io_context context_{1};
    connection_counters uncounted_;      // where nobody asks
    std::optional<ticket_keys> tickets_; // outlives the connections, which refer to it
    connection_set connections_;
    std::unique_ptr<dispatcher> dispatcher_;
    task_group tasks_;      // one for each connection
    task_group background_; // the listener and the deadlines
    std::optional<listener> listener_;
    steady_timer check_timer_;
    std::function<void()> checked_;
    bool stopping_checks_ = false;
    bool ended_ = true;
    std::thread thread_;
};

// Raises the soft limit of open files to the hard one, and returns it.
rlim_t raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        rlimit raised = limit;
        raised.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
    }
    return limit.rlim_cur;
}

std::size_t connections_per_thread(const server_options& options) {
    const auto limit = raise_descriptor_limit();
    const auto room = limit > 2 * descriptors_reserved ? limit - descriptors_reserved : limit / 2;
    const auto share = std::max<std::size_t>(static_cast<std::size_t>(room) / options.threads, 1);
    if (share < options.bounds.connections_per_thread_max)
        spdlog::warn("the limit of {} open files allows {} connections, fewer than configured",
                     limit, share * options.threads);
    return std::min(share, options.bounds.connections_per_thread_max);
}

[[noreturn]] void cannot_listen(const server_options& options, const std::error_code& code) {
    throw std::system_error(code, "cannot listen on " + options.address + " port " +
                                      std::to_string(options.port));
}

} // namespace

struct server::impl {
    void listen();
    void start_threads();
    void speak_tls();
    void renew_ticket_key();
    bool stop(std::chrono::milliseconds patience);

    server_options options;
    dispatcher_factory factory;
    std::vector<std::unique_ptr<worker>> workers;
    std::uint16_t port = 0;
    steady_clock::time_point next_ticket_key{}; // of the first thread
    std::atomic<bool> accepting{false};
};

void server::impl::listen() {
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) cannot_listen(options, std::make_error_code(std::errc::invalid_argument));
    const auto connections_max = connections_per_thread(options);
    try {
        // SO_REUSEPORT would let a second server of the same user take half of our connections
        // without a word. Binding once without it finds the first one.
        asio::io_context probe_context;
        port = listen_on(probe_context, {address, options.port}, false).local_endpoint().port();
        for (std::size_t i = 0; i < options.threads; ++i) {
            auto* counted = options.counters.empty() ? nullptr : options.counters.at(i);
            workers.push_back(std::make_unique<worker>(options, connections_max, counted));
            port = workers.back()->listen({address, port}, options.threads > 1);
        }
    } catch (const boost::system::system_error& failure) {
        workers.clear();
        cannot_listen(options, failure.code());
    }
}

// Every thread has a context and a copy of the ticket keys of its own; the first one's clock says
// when they get the next key.
void server::impl::speak_tls() {
    const auto key = ticket_keys::make_key();
    next_ticket_key = steady_clock::now() + options.time.ticket_key;
    for (auto& each : workers)
        each->speak_tls(*options.tls, key,
                        each == workers.front() ? [this] { renew_ticket_key(); }
                                                : std::function<void()>{});
}

// The first thread is the first to be joined, so the others are there.
void server::impl::renew_ticket_key() {
    if (steady_clock::now() < next_ticket_key) return;
    next_ticket_key += options.time.ticket_key;
    try {
        const auto key = ticket_keys::make_key();
        for (auto& each : workers)
            each->use(key);
    } catch (const std::runtime_error& exception) {
        spdlog::error("session tickets keep their key: {}", exception.what());
    }
}

void server::impl::start_threads() {
    try {
        for (std::size_t i = 0; i < workers.size(); ++i)
            workers[i]->start(factory, i);
    } catch (...) {
        stop(std::chrono::milliseconds(0));
        throw;
    }
}

bool server::impl::stop(std::chrono::milliseconds patience) {
    accepting = false;
    bool ended = true;
    for (const auto& each : workers)
        each->begin_stop(patience);
    for (auto& each : workers) {
        if (each->join()) continue;
        // Its suspended coroutines refer to the dispatcher, and the dispatcher to the event loop:
        // no order of destruction is safe, and the process is about to end.
        ended = false;
        [[maybe_unused]] const auto* left_behind = each.release();
    }
    // The event loops stay until the server goes: others may hold their executors for a moment.
    std::erase(workers, nullptr);
    return ended;
}

server::server(server_options options, dispatcher_factory factory)
    : impl_(std::make_unique<impl>()) {
    impl_->options = std::move(options);
    impl_->options.threads = std::max<std::size_t>(impl_->options.threads, 1);
    impl_->factory = std::move(factory);
}

server::~server() {
    impl_->stop(std::chrono::milliseconds(0));
}

void server::start() {
    impl_->listen();
    if (impl_->options.tls) impl_->speak_tls();
    impl_->start_threads();
    impl_->accepting = true;
}

void server::show(const tls_identity& identity) {
    std::vector<tls_context> fresh;
    for (const auto& each : impl_->workers)
        fresh.push_back(each->make_context(identity));
    for (std::size_t i = 0; i < fresh.size(); ++i)
        impl_->workers[i]->use(std::move(fresh[i]));
}

std::uint16_t server::port() const noexcept {
    return impl_->port;
}

bool server::accepting() const noexcept {
    return impl_->accepting;
}

bool server::stop(std::chrono::milliseconds patience) {
    return impl_->stop(patience);
}

} // namespace countersign::net
