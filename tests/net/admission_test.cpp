#include "net/admission.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <list>
#include <memory>
#include <vector>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Requests that are in the hands of the test: each keeps its place until it is ended.
class Admission : public ::testing::Test {
protected:
    // A place outlives its wait.
    void TearDown() override {
        while (!requests_.empty())
            end_oldest();
    }
    void begin(int number) {
        auto& one = requests_.emplace_back(std::make_unique<admission::place>(owner_));
        if (one->admitted()) return served_.push_back(number);
        asio::co_spawn(context_, one->turn(),
                       [this, number](const std::exception_ptr& failure, bool admitted) {
                           EXPECT_FALSE(failure);
                           (admitted ? served_ : refused_).push_back(number);
                       });
        settle();
    }
    void end_oldest() {
        requests_.pop_front();
        settle();
    }
    void settle() {
        context_.restart();
        context_.poll();
    }
    void run_for(std::chrono::milliseconds length) {
        context_.restart();
        context_.run_for(length);
    }

    asio::io_context context_{1};
    admission_counters counted_;
    admission owner_{{.at_once_max = 2, .wait = 200ms}, counted_};
    std::list<std::unique_ptr<admission::place>> requests_;
    std::vector<int> served_, refused_;
};

using numbers = std::vector<int>;

TEST_F(Admission, UpToItsBound_NobodyWaits) {
    begin(1);
    begin(2);
    EXPECT_EQ(served_, (numbers{1, 2}));
    EXPECT_EQ(counted_.waiting.value(), 0);
}

TEST_F(Admission, BeyondIt_TheFirstComesFirst_OneForOneThatEnds) {
    for (int number = 1; number <= 5; ++number)
        begin(number);
    EXPECT_EQ(served_, (numbers{1, 2}));
    EXPECT_EQ(counted_.waiting.value(), 3);
    end_oldest();
    EXPECT_EQ(served_, (numbers{1, 2, 3}));
    end_oldest();
    end_oldest();
    EXPECT_EQ(served_, (numbers{1, 2, 3, 4, 5}));
    EXPECT_EQ(counted_.waiting.value(), 0);
}

TEST_F(Admission, WhoseTurnDoesNotComeInTime_IsRefused_AndTakesNobodysPlace) {
    begin(1);
    begin(2);
    begin(3);
    run_for(300ms);
    EXPECT_EQ(refused_, numbers{3});
    EXPECT_EQ(counted_.refused.value(), 1u);
    EXPECT_EQ(counted_.waiting.value(), 0);
    begin(4);
    end_oldest();
    EXPECT_EQ(served_, (numbers{1, 2, 4}));
}

TEST_F(Admission, NobodyOvertakesThoseWhoWait) {
    begin(1);
    begin(2);
    begin(3);
    requests_.pop_front(); // 3 is admitted, and has not been told yet
    begin(4);
    EXPECT_EQ(served_, (numbers{1, 2, 3}));
    EXPECT_EQ(counted_.waiting.value(), 1);
}

awaitable<void> wait_in_line(admission& owner) {
    admission::place mine(owner);
    (void)co_await mine.turn();
}

TEST_F(Admission, WaitersThatAreDroppedWithTheirLoop_LeaveTheLine) {
    begin(1);
    begin(2);
    {
        asio::io_context doomed{1};
        asio::co_spawn(doomed, wait_in_line(owner_), [](const std::exception_ptr&) {});
        doomed.poll();
        EXPECT_EQ(counted_.waiting.value(), 1);
    }
    EXPECT_EQ(counted_.waiting.value(), 0);
    end_oldest();
    begin(3);
    EXPECT_EQ(served_, (numbers{1, 2, 3}));
}

} // namespace
} // namespace countersign::net
