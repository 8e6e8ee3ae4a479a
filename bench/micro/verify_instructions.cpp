// Runs a verification under callgrind and has it count the instructions of the server's thread,
// user space only: first whole requests, from the bytes on the socket to the reply's, by the
// connection, families and store that `countersign serve` runs, with a real Redis; then each pure
// step of it alone, on the same values. The client's side and Redis are not counted.
// count_instructions.sh runs it and reads what callgrind writes.
//
// It has the server's allocator and wiping delete. Callgrind counts whatever allocator is linked;
// it brings none of its own.
#include "app/system.hpp"
#include "bench/micro/http_parts.hpp"
#include "bench/micro/material.hpp"
#include "core/decide/login.hpp"
#include "net/connection.hpp"
#include "net/families/clara/family.hpp"
#include "net/families/service/family.hpp"
#include "net/families/singularity/family.hpp"
#include "net/families/slugbase/family.hpp"
#include "net/families_dispatcher.hpp"
#include "net/password_pool.hpp"
#include "net/services.hpp"
#include "store/accounts.hpp"
#include "store/service_keys.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run_coroutine.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>
#include <valgrind/callgrind.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace countersign::bench {
namespace {

namespace asio = boost::asio;

// Callgrind writes a part of its output for each batch, and the script takes the least, so that a
// batch in which a timer ran out or a key was asked for again does not count.
constexpr int batches = 11;
constexpr int batch_size = 20;
constexpr int warm_up = 60;
constexpr int partitions = 4;
// Before each turn of the server, so that Redis has answered by then: whether an answer is there at
// once or is waited for takes other paths.
constexpr std::chrono::microseconds answered_within{300};

// The server's clock: a TOTP period further for every request, so that each has a code of its own.
core::unix_time now_of_server = now;

std::shared_ptr<const core::password_hasher> make_hasher() {
    return std::make_shared<core::argon2id_hasher>(
        core::argon2_parameters{.memory_kib = 8, .iterations = 1}, "nobody's password");
}

// A thread of the server, which runs only while it is told to, and its only client.
class server_thread {
public:
    server_thread();
    ~server_thread();
    server_thread(const server_thread&) = delete;
    server_thread& operator=(const server_thread&) = delete;

    // A verification of the subject with a code that was not used before.
    void verify();

private:
    // The reply. What the server does meanwhile is counted.
    std::string ask(std::string_view request);

    tests::redis_server redis_server_;
    material with_;
    app::system_random system_;
    app::buffered_random random_{system_};
    net::password_pool passwords_{make_hasher(), {}};
    net::thread_counters counters_;
    asio::io_context context_{1};
    store::connection redis_{context_.get_executor(),
                             {.address = redis_server_.address(), .counted = &counters_.redis}};
    store::accounts accounts_{redis_, random_, partitions, {}, &counters_.accounts};
    store::email_index emails_{redis_, accounts_, with_.codes};
    store::rate_limits limits_{redis_};
    store::service_keys service_keys_{redis_, with_.codes};
    core::secret_string private_key_{std::string("private")};
    net::services services_{.redis = redis_,
                            .accounts = accounts_,
                            .emails = emails_,
                            .limits = limits_,
                            .context = with_.context,
                            .tokens = with_.tokens,
                            .passwords = passwords_,
                            .verifications = counters_.verifications,
                            .random = random_,
                            .now = [] { return now_of_server; },
                            .app_name = "Countersign",
                            .login_participants = {}};
    std::unique_ptr<net::dispatcher> dispatcher_;
    net::connection_set set_{context_};
    int client_ = -1;
    std::exception_ptr failure_; // of the connection
    std::string key_;
};

server_thread::server_thread() {
    std::vector<std::unique_ptr<net::family>> families;
    families.push_back(std::make_unique<net::singularity::singularity_family>(services_));
    families.push_back(std::make_unique<net::slugbase::slugbase_family>(services_));
    families.push_back(std::make_unique<net::clara::clara_family>(
        services_, net::clara::clara_keys{.public_key = "public", .private_key = &private_key_},
        "0"));
    families.push_back(std::make_unique<net::service::service_family>(services_, service_keys_));
    dispatcher_ = std::make_unique<net::families_dispatcher>(
        std::move(families), std::vector<net::page>{}, []() -> awaitable<void> { co_return; },
        counters_);

    redis_.start();
    while (!redis_.healthy())
        context_.run_one();
    if (!*tests::run_coroutine(context_, accounts_.create(with_.subject, {})))
        throw std::runtime_error("the subject exists already");
    const auto made = tests::run_coroutine(
        context_, service_keys_.create("count", {store::service_scope::verify}, random_, now));
    key_ = made->key.reveal();

    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::system_error(errno, std::generic_category(), "socketpair");
    client_ = ends[0];
    set_.handler = dispatcher_.get();
    set_.counted = &counters_.connections;
    set_.check();
    net::tcp_socket socket(context_);
    socket.assign(asio::ip::tcp::v4(), ends[1]);
    asio::co_spawn(context_, net::serve(std::move(socket), set_),
                   [this](const std::exception_ptr& failure) { failure_ = failure; });
}

server_thread::~server_thread() {
    ::close(client_);
    redis_.stop();
    context_.run();
}

std::string server_thread::ask(std::string_view request) {
    if (::send(client_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
        throw std::runtime_error("the server has closed the connection");
    std::array<char, 4096> reply{};
    ssize_t size = 0;
    while ((size = ::recv(client_, reply.data(), reply.size(), 0)) < 0) {
        std::this_thread::sleep_for(answered_within);
        CALLGRIND_TOGGLE_COLLECT;
        const auto ran = context_.run_one();
        CALLGRIND_TOGGLE_COLLECT;
        if (failure_) std::rethrow_exception(failure_);
        if (ran == 0) throw std::runtime_error("the server has nothing left to do");
    }
    return {reply.data(), static_cast<std::size_t>(size)};
}

void server_thread::verify() {
    now_of_server += core::seconds(core::totp_parameters().period_s);
    const auto reply = ask(verification_request(key_, with_.code_at(now_of_server)));
    if (reply.find("\"verified\":true") == std::string::npos)
        throw std::runtime_error("a right code was not verified: " + reply);
}

void count_requests() {
    server_thread server;
    for (int i = 0; i < warm_up; ++i)
        server.verify();
    CALLGRIND_ZERO_STATS;
    for (int batch = 0; batch < batches; ++batch) {
        for (int i = 0; i < batch_size; ++i)
            server.verify();
        CALLGRIND_DUMP_STATS_AT("request");
    }
}

// One step alone: `work` often enough, after once that does not count.
template <typename Work>
void count(const char* part, Work work) {
    work();
    CALLGRIND_ZERO_STATS;
    CALLGRIND_TOGGLE_COLLECT;
    for (int i = 0; i < batch_size; ++i)
        work();
    CALLGRIND_TOGGLE_COLLECT;
    CALLGRIND_DUMP_STATS_AT(part);
}

template <typename T>
void keep(const T& value) {
    asm volatile("" : : "r"(&value) : "memory"); // the compiler must think that it is used
}

void count_parts() {
    material with;
    const auto bytes =
        verification_request("csk_0123456789012345678901234567890123456789012", with.code_at(now));
    head_reader reader;
    count("head", [&] { keep(reader.read(bytes)); });

    const auto keys = all_routes();
    const net::router router(keys);
    const auto& head = reader.read(bytes);
    count("route", [&] { keep(router.find(head.method, head.path)); });

    const auto document = core::to_document(with.subject);
    count("document_parse", [&] { keep(core::account_from_document(document)); });

    const core::verify_code command{.code = with.code_at(now), .origin = with.origin()};
    count("decide", [&] { keep(decide(with.subject, command, with.context, now)); });

    const auto next = *decide(with.subject, command, with.context, now).next;
    count("document_write", [&] { keep(core::to_document(next)); });

    const auto reply = verified_reply();
    std::string out;
    count("reply", [&] {
        out.clear();
        keep(net::serialise(reply, reply_framing_now, out));
    });
}

} // namespace
} // namespace countersign::bench

int main() {
    if (RUNNING_ON_VALGRIND == 0) {
        std::fputs("verify_instructions counts nothing by itself: run "
                   "bench/micro/count_instructions.sh\n",
                   stderr);
        return 2;
    }
    try {
        spdlog::set_level(spdlog::level::off);
        countersign::bench::count_requests();
        countersign::bench::count_parts();
        // For the script: the batch's size, and what the numbers hold for.
        std::printf("%d %s\n", countersign::bench::batch_size, __VERSION__);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "verify_instructions: %s\n", failure.what());
        return 1;
    }
}
