// A private Redis with a connection to it, for tests of what stands on the store. Where the
// environment asks for it (shared_cluster()), it is a Redis Cluster, emptied for each test.
#pragma once

#include "store/connection.hpp"
#include "store/event_loop.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run_coroutine.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace countersign::tests {

// A started connection of a test; its end lets the context run what was cancelled.
class test_connection {
public:
    test_connection(boost::asio::io_context& context, store::connection_options options)
        : context_(context), value_(context.get_executor(), std::move(options)) {
        value_.start();
    }
    ~test_connection() {
        value_.stop();
        context_.restart();
        context_.poll();
    }
    test_connection(const test_connection&) = delete;
    test_connection& operator=(const test_connection&) = delete;

    store::connection& operator*() { return value_; }
    store::connection* operator->() { return &value_; }

private:
    boost::asio::io_context& context_;
    store::connection value_;
};

class store_fixture : public ::testing::Test {
protected:
    explicit store_fixture(append_only durability = append_only::off) : server(durability) {
        if (const auto* cluster = shared_cluster()) cluster->flush();
    }

    [[nodiscard]] store::connection_options options() const {
        store::connection_options made;
        const auto* cluster = shared_cluster();
        made.address = cluster != nullptr ? cluster->address() : server.address();
        return made;
    }
    template <typename T>
    T run(awaitable<T> work) {
        return run_coroutine(context, std::move(work));
    }
    // A command's answer; a test failure and nil if there is none.
    store::reply_value ask(std::vector<std::string> words) {
        auto reply = run(redis->command(std::move(words)));
        EXPECT_TRUE(reply) << (reply ? "" : to_string(reply.error()));
        return reply ? *reply : store::reply_value{};
    }
    std::int64_t ask_integer(std::vector<std::string> words) {
        const auto reply = ask(std::move(words));
        return reply.integer() ? *reply.integer() : -1;
    }
    std::string ask_text(std::vector<std::string> words) {
        const auto reply = ask(std::move(words));
        return reply.text() ? *reply.text() : "";
    }

    redis_server server;
    boost::asio::io_context context{1};
    test_connection redis{context, options()};
};

} // namespace countersign::tests
