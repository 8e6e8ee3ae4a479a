#include "net/counters.hpp"

#include "net/counted_proofs.hpp"
#include "net/password_pool.hpp"
#include "net/task_group.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace countersign::net {
namespace {

using namespace std::chrono_literals;

TEST(Counters, ADuration_CountsAtTheFirstBoundThatItIsNotLongerThan) {
    core::duration_histogram times;
    times.observe(500us);
    times.observe(501us);
    times.observe(60s);
    times.observe(61s);
    EXPECT_EQ(times.count(0), 1U);
    EXPECT_EQ(times.count(1), 1U);
    EXPECT_EQ(times.count(core::duration_histogram::bounds.size() - 1), 1U);
    EXPECT_EQ(times.count(core::duration_histogram::bounds.size()), 1U);
    EXPECT_EQ(times.sum(), 121s + 1001us);
    EXPECT_TRUE(std::ranges::is_sorted(core::duration_histogram::bounds));
}

TEST(Counters, Requests_AreCountedByRowAndStatusClass_AndOddStatusesNotAtAll) {
    request_counters counted;
    EXPECT_FALSE(counted.is_open());
    counted.open({.families = {"one", "pages"},
                  .rows = {{0, "GET", "/a/{id}"}, {1, "GET", "/health"}, {0, "none", "none"}}});
    ASSERT_TRUE(counted.is_open());
    for (const unsigned status : {200U, 204U, 302U, 404U, 499U, 503U, 599U, 0U, 101U, 600U, 999U})
        counted.answered(1, status);
    counted.took(2, 1ms);
    const std::array<std::uint64_t, 4> expected{2, 1, 2, 2};
    for (std::size_t place = 0; place < expected.size(); ++place) {
        EXPECT_EQ(counted.count(1, place), expected[place]);
        EXPECT_EQ(counted.count(0, place), 0U);
    }
    EXPECT_EQ(counted.times(0).count(1), 1U);
    EXPECT_EQ(counted.times(1).sum(), 0ns);
}

TEST(Counters, AThreadsBlock_SharesNoCacheLineWithAnothers) {
    const auto blocks = std::make_unique<std::array<thread_counters, 2>>();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&blocks->front()) % core::cache_line_bytes, 0U);
    EXPECT_EQ(sizeof(thread_counters) % core::cache_line_bytes, 0U);
}

TEST(Counters, WhatIsCountedWhileAnotherThreadReads_IsAllThereAtTheEnd) {
    core::counter counted;
    std::thread writer([&] {
        for (int i = 0; i < 1'000'000; ++i)
            counted.add();
    });
    std::uint64_t last = 0;
    while (last < 1'000'000) {
        const auto now = counted.value();
        ASSERT_GE(now, last);
        last = now;
    }
    writer.join();
    EXPECT_EQ(counted.value(), 1'000'000U);
}

std::uint64_t count_of(const verification_counters& counted, shown_proof proof,
                       proof_outcome outcome) {
    return counted.counts[static_cast<std::size_t>(proof)][static_cast<std::size_t>(outcome)]
        .value();
}

TEST(CountedProofs, AreOfTheMethodThatWasShown_OrFound) {
    verification_counters counted;
    using opened = boost::system::result<core::session_opened, core::refusal>;
    using checked = boost::system::result<core::code_verified, core::refusal>;
    const auto refused = [](core::refusal_reason why) { return core::refusal{why}; };
    core::complete_login mailed;
    mailed.code.email = "123456";
    count_proof(counted, mailed, opened(core::session_opened{}));
    count_proof(counted, mailed, opened(refused(core::refusal_reason::code_expired)));
    count_proof(counted, mailed, opened(refused(core::refusal_reason::challenge_unknown)));
    core::verify_code any;
    count_proof(counted, any, checked(core::code_verified{.method = core::proof_method::email}));
    count_proof(counted, any, checked(refused(core::refusal_reason::blocked)));
    core::log_in_at_once both;
    both.code = "123456";
    count_proof(counted, both, opened(refused(core::refusal_reason::wrong_password)));

    EXPECT_EQ(count_of(counted, shown_proof::email, proof_outcome::verified), 2U);
    EXPECT_EQ(count_of(counted, shown_proof::email, proof_outcome::wrong), 1U);
    EXPECT_EQ(count_of(counted, shown_proof::any_code, proof_outcome::blocked), 1U);
    EXPECT_EQ(count_of(counted, shown_proof::password, proof_outcome::wrong), 1U);
    std::uint64_t all = 0;
    for (const auto& proof : counted.counts)
        for (const auto& outcome : proof)
            all += outcome.value();
    EXPECT_EQ(all, 5U);
}

TEST(CountedProofs, ACommandThatProvesNothing_IsNotCounted) {
    verification_counters counted;
    using done = boost::system::result<core::nothing, core::refusal>;
    count_proof(counted, core::log_out{}, done(core::nothing{}));
    count_proof(counted, core::prefer_method{}, done(core::nothing{}));
    count_proof(counted, core::disable_factor{},
                done(core::refusal{core::refusal_reason::blocked}));
    for (const auto& proof : counted.counts)
        for (const auto& outcome : proof)
            EXPECT_EQ(outcome.value(), 0U);
}

class sleeping_hasher final : public core::password_hasher {
public:
    std::string hash(std::string_view, std::array<std::byte, 16>) const override {
        std::this_thread::sleep_for(30ms);
        return "x";
    }
    bool verify(std::string_view, std::string_view) const override { return true; }
    bool needs_rehash(std::string_view) const override { return false; }
    const std::string& dummy() const override { return dummy_; }

private:
    std::string dummy_ = "dummy";
};

awaitable<void> hash_one(password_pool& pool) {
    (void)co_await pool.hash("secret", {});
}

TEST(PasswordPool, CountsWhatRuns_WhatWaits_AndWhatWasRefused) {
    password_pool pool(std::make_shared<sleeping_hasher>(),
                       {.threads = 1, .queue_max = 2, .deadline = 20ms});
    boost::asio::io_context context(1);
    task_group tasks(context.get_executor());
    tasks.spawn("first", hash_one(pool));
    const auto& counted = pool.counters();
    const auto until = std::chrono::steady_clock::now() + 5s;
    context.poll();
    while (counted.running.value() != 1 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(counted.running.value(), 1);
    for (int i = 0; i < 3; ++i)
        tasks.spawn("more", hash_one(pool));
    context.poll();
    EXPECT_EQ(counted.waiting.value(), 2);
    EXPECT_EQ(counted.refused[static_cast<std::size_t>(overload::queue_full)].value(), 1U);
    context.run();
    EXPECT_EQ(counted.waiting.value(), 0);
    EXPECT_EQ(counted.running.value(), 0);
    EXPECT_EQ(counted.refused[static_cast<std::size_t>(overload::waited_too_long)].value(), 2U);
    EXPECT_GE(counted.hashing.sum(), 30ms);
}

} // namespace
} // namespace countersign::net
