#include "net/password_pool.hpp"

#include "core/crypto/secret.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using boost::system::result;
using std::chrono::steady_clock;

// What a job ends with: a verdict, a new hash, or neither.
using job_result = std::variant<password_verdict, std::string, overload>;

struct job {
    core::secret_string password;
    std::function<job_result(const std::string& password)> work;
    steady_clock::time_point expires_at;
    asio::any_completion_handler<void(job_result)> handler;
    asio::any_io_executor executor; // of the handler; keeps its event loop running
};

// A hash takes tens of milliseconds of a processor, an answer tens of microseconds: whoever answers
// goes first. On Linux niceness is a thread's own; 10 still has a tenth of a processor that is
// fully taken.
constexpr int niceness = 10;

void give_way_to_event_loops() {
    if (::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness) != 0)
        spdlog::warn("password hashing could not be given a lower priority");
}

void complete(std::unique_ptr<job> done, job_result value) {
    const auto executor = done->executor;
    asio::post(executor, [handler = std::move(done->handler), value = std::move(value)]() mutable {
        std::move(handler)(std::move(value));
    });
}

} // namespace

struct password_pool::impl {
    impl(std::shared_ptr<const core::password_hasher> with, password_pool_options how)
        : hasher(std::move(with)), options(how) {}

    void thread_main();
    [[nodiscard]] std::unique_ptr<job> next();
    [[nodiscard]] job_result carry_out(const job& current);
    void count_end(const job_result& value, steady_clock::duration length);
    void submit(std::unique_ptr<job> added);
    [[nodiscard]] awaitable<job_result> run(std::unique_ptr<job> added);
    [[nodiscard]] std::unique_ptr<job> make(std::string& password) const;
    static job_result work_on(const job& current);

    std::shared_ptr<const core::password_hasher> hasher;
    password_pool_options options;
    std::mutex mutex; // of what follows, up to the threads
    password_counters counted;
    std::condition_variable changed;
    std::deque<std::unique_ptr<job>> waiting; // the longest waiting first
    bool stopping = false;
    std::vector<std::thread> threads;
};

password_pool::password_pool(std::shared_ptr<const core::password_hasher> hasher,
                             password_pool_options options)
    : impl_(std::make_unique<impl>(std::move(hasher), options)) {
    for (std::size_t i = 0; i < std::max<std::size_t>(options.threads, 1); ++i)
        impl_->threads.emplace_back([pool = impl_.get()] { pool->thread_main(); });
}

password_pool::~password_pool() {
    stop();
}

void password_pool::stop() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->changed.notify_all();
    for (auto& each : impl_->threads)
        each.join();
    impl_->threads.clear();
    for (auto& each : std::exchange(impl_->waiting, {}))
        complete(std::move(each), overload::queue_full);
}

// Blocks until there is a job, or returns nothing when the pool ends.
std::unique_ptr<job> password_pool::impl::next() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return stopping || !waiting.empty(); });
    if (stopping) return nullptr;
    auto first = std::move(waiting.front());
    waiting.pop_front();
    counted.waiting.add(-1);
    counted.running.add(1);
    return first;
}

void password_pool::impl::thread_main() {
    give_way_to_event_loops();
    while (auto current = next()) {
        auto value = carry_out(*current);
        complete(std::move(current), std::move(value));
    }
}

job_result password_pool::impl::carry_out(const job& current) {
    const auto started = steady_clock::now();
    // Jobs expire in the order in which they came, so the expired ones are met first and none
    // waits longer than its deadline and the job before it.
    auto value =
        started > current.expires_at ? job_result(overload::waited_too_long) : work_on(current);
    count_end(value, steady_clock::now() - started);
    return value;
}

void password_pool::impl::count_end(const job_result& value, steady_clock::duration length) {
    const std::lock_guard lock(mutex);
    counted.running.add(-1);
    if (const auto* refusal = std::get_if<overload>(&value))
        counted.refused[static_cast<std::size_t>(*refusal)].add();
    else
        counted.hashing.observe(length);
}

job_result password_pool::impl::work_on(const job& current) {
    try {
        return current.work(current.password.reveal());
    } catch (const std::exception& exception) {
        spdlog::error("password hashing failed: {}", exception.what());
        return overload::failed;
    }
}

void password_pool::impl::submit(std::unique_ptr<job> added) {
    {
        const std::lock_guard lock(mutex);
        if (!stopping && waiting.size() < options.queue_max) {
            waiting.push_back(std::move(added));
            counted.waiting.add(1);
        } else {
            counted.refused[static_cast<std::size_t>(overload::queue_full)].add();
        }
    }
    if (added) {
        complete(std::move(added), overload::queue_full);
        return;
    }
    changed.notify_one();
}

awaitable<job_result> password_pool::impl::run(std::unique_ptr<job> added) {
    co_return co_await asio::async_initiate<const asio::deferred_t, void(job_result)>(
        [this](auto handler, std::unique_ptr<job> submitted) {
            submitted->executor = asio::prefer(asio::get_associated_executor(handler),
                                               asio::execution::outstanding_work.tracked);
            submitted->handler = std::move(handler);
            submit(std::move(submitted));
        },
        asio::deferred, std::move(added));
}

std::unique_ptr<job> password_pool::impl::make(std::string& password) const {
    auto made = std::make_unique<job>();
    made->password = core::secret_string(std::move(password));
    made->expires_at = steady_clock::now() + options.deadline;
    return made;
}

awaitable<result<password_verdict, overload>> password_pool::verify(std::string password,
                                                                    std::string phc) {
    auto added = impl_->make(password);
    added->work = [hasher = impl_->hasher, phc = std::move(phc)](const std::string& text) {
        password_verdict verdict{.matched = hasher->verify(text, phc), .replacement = {}};
        if (verdict.matched && hasher->needs_rehash(phc))
            verdict.replacement = hasher->hash(text, core::replacement_salt(phc));
        return job_result(std::move(verdict));
    };
    auto value = co_await impl_->run(std::move(added));
    if (const auto* refusal = std::get_if<overload>(&value)) co_return *refusal;
    co_return std::get<password_verdict>(std::move(value));
}

awaitable<result<std::string, overload>> password_pool::hash(std::string password,
                                                             std::array<std::byte, 16> salt) {
    auto added = impl_->make(password);
    added->work = [hasher = impl_->hasher, salt](const std::string& text) {
        return job_result(hasher->hash(text, salt));
    };
    auto value = co_await impl_->run(std::move(added));
    if (const auto* refusal = std::get_if<overload>(&value)) co_return *refusal;
    co_return std::get<std::string>(std::move(value));
}

const std::string& password_pool::dummy() const {
    return impl_->hasher->dummy();
}

const password_counters& password_pool::counters() const noexcept {
    return impl_->counted;
}

} // namespace countersign::net
