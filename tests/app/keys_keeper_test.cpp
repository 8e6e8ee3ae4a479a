#include "app/keys_keeper.hpp"

#include "app/system.hpp"
#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

namespace countersign::app {
namespace {

namespace asio = boost::asio;

// A thread that takes keys when the test lets it.
struct slow_thread {
    asio::io_context context;
    std::vector<keys_keeper::shared_keys> taken;

    void run() {
        context.restart();
        context.poll();
    }
};

class KeysKeeper : public ::testing::Test {
protected:
    KeysKeeper() {
        keeper.begin_with(*key_file::load_or_create(directory.path(), false, random));
        for (auto* thread : {&one, &other})
            keeper.add(
                thread->context.get_executor(),
                [thread](const keys_keeper::shared_keys& keys) { thread->taken.push_back(keys); });
        keeper.keep();
    }
    key_file rotate() {
        auto keys = *key_file::load(directory.path());
        const key_groups all{.tokens = true, .encryption = true, .pepper = true};
        EXPECT_TRUE(keys.add_next(all, core::jws_algorithm::hs256, random, system_clock_now()));
        EXPECT_TRUE(keys.activate(system_clock_now()));
        EXPECT_TRUE(keys.save(directory.path()));
        return keys;
    }
    void hang_up() {
        ASSERT_EQ(::raise(SIGHUP), 0);
        context.restart();
        (void)context.run_for(std::chrono::milliseconds(100));
    }
    void run_main() {
        context.restart();
        context.poll();
    }

    tests::temporary_directory directory;
    system_random random;
    asio::io_context context;
    keys_keeper keeper{context, directory.path()};
    slow_thread one, other;
};

TEST_F(KeysKeeper, NewKeys_AreUsedByNobodyBeforeEveryThreadUnderstandsThem) {
    const auto before = keeper.in_use();
    const auto fresh = rotate();
    hang_up();
    one.run();
    run_main();
    one.run();
    ASSERT_EQ(one.taken.size(), 1U);
    EXPECT_EQ(one.taken.back()->fingerprint(), before->fingerprint());
    EXPECT_EQ(one.taken.back()->fingerprints().size(), 2U);
    EXPECT_EQ(keeper.in_use(), before);

    other.run();
    run_main();
    one.run();
    ASSERT_EQ(one.taken.size(), 2U);
    EXPECT_EQ(one.taken.back()->fingerprint(), fresh.fingerprint());
    EXPECT_EQ(other.taken.size(), 1U);

    other.run();
    run_main();
    EXPECT_EQ(keeper.in_use()->fingerprint(), fresh.fingerprint());
}

TEST_F(KeysKeeper, RotatedAgainWhileThreadsChangeOver_IsTakenAfterwards) {
    (void)rotate();
    hang_up();
    const auto last = rotate();
    hang_up();
    for (int round = 0; round < 6; ++round) {
        one.run();
        other.run();
        run_main();
    }
    EXPECT_EQ(keeper.in_use()->fingerprint(), last.fingerprint());
    EXPECT_EQ(one.taken.size(), 4U);
}

TEST_F(KeysKeeper, UnchangedOrForeignFile_ChangesNothing) {
    hang_up();
    const tests::temporary_directory foreign;
    (void)key_file::load_or_create(foreign.path(), false, random);
    directory.write("keys.json", tests::read_all(foreign.path() / "keys.json"));
    hang_up();
    one.run();
    EXPECT_TRUE(one.taken.empty());
}

} // namespace
} // namespace countersign::app
