#include "store/cluster_slots.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using store::cluster_slot_of;
using store::read_own_slots;
using store::read_redirection;
using store::read_slot_map;
using store::redis_endpoint;
using store::reply_value;

reply_value text(std::string value) {
    return {std::move(value)};
}
reply_value number(std::int64_t value) {
    return {value};
}
reply_value list(std::vector<reply_value> items) {
    return {std::move(items)};
}

TEST(ClusterSlots, TheSlotOfAKey_IsTheOneOfTheSpecification) {
    EXPECT_EQ(cluster_slot_of("123456789"), 0x31C3 % 16384); // the specification's check value
    EXPECT_EQ(cluster_slot_of("foo"), 12182);
    EXPECT_EQ(cluster_slot_of(""), 0);
}

TEST(ClusterSlots, OfAKeyWithAHashTag_OnlyTheTagCounts) {
    EXPECT_EQ(cluster_slot_of("{user1000}.following"), cluster_slot_of("user1000"));
    EXPECT_EQ(cluster_slot_of("foo{bar}{zap}"), cluster_slot_of("bar"));
    EXPECT_EQ(cluster_slot_of("foo{{bar}}zap"), cluster_slot_of("{bar"));
    EXPECT_EQ(cluster_slot_of("cs:{7}:retry"), cluster_slot_of("cs:{7}:account:user_1"));
    // An empty tag is none.
    EXPECT_NE(cluster_slot_of("foo{}{bar}"), cluster_slot_of("bar"));
    EXPECT_NE(cluster_slot_of("foo{}{bar}"), cluster_slot_of(""));
    EXPECT_NE(cluster_slot_of("foo{bar"), cluster_slot_of("bar"));
}

TEST(ClusterSlots, TheKeyOfACommand_IsWhereTheCommandHasIt) {
    const auto key_of = [](std::vector<std::string> words) {
        const auto key = store::first_key_of(words);
        return key ? std::string(*key) : "none";
    };
    EXPECT_EQ(key_of({"HMGET", "key", "v", "d"}), "key");
    EXPECT_EQ(
        key_of({"XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "a", "b", ">", ">"}),
        "a");
    EXPECT_EQ(key_of({"XINFO", "STREAM", "key"}), "key");
    EXPECT_EQ(key_of({"TIME"}), "none");
    EXPECT_EQ(key_of({"SCAN", "0"}), "none");
    EXPECT_EQ(key_of({"XREADGROUP", "STREAMS"}), "none");
    EXPECT_EQ(key_of({}), "none");
}

TEST(ClusterSlots, TheMap_IsReadWithMastersOnly) {
    const auto reply =
        list({list({number(0), number(5460),
                    list({text("10.0.0.1"), number(7000), text("id"), list({})}),
                    list({text("10.0.0.9"), number(7009), text("replica"), list({})})}),
              list({number(5461), number(16383), list({text("2001:db8::2"), number(7001)})})});
    const auto ranges = read_slot_map(reply, "seed");
    ASSERT_TRUE(ranges);
    ASSERT_EQ(ranges->size(), 2U);
    EXPECT_EQ((*ranges)[0].last, 5460);
    EXPECT_EQ((*ranges)[0].master, (redis_endpoint{"10.0.0.1", "7000"}));
    EXPECT_EQ((*ranges)[1].master, (redis_endpoint{"2001:db8::2", "7001"}));
}

TEST(ClusterSlots, AMasterWithoutAnAddress_IsTheOneThatWasAsked) {
    for (const auto& host : {reply_value{}, text("")}) {
        const auto ranges =
            read_slot_map(list({list({number(0), number(1), list({host, number(7000)})})}), "seed");
        ASSERT_TRUE(ranges);
        EXPECT_EQ(ranges->front().master, (redis_endpoint{"seed", "7000"}));
    }
}

TEST(ClusterSlots, WhatIsNoMap_IsNone) {
    const auto node = list({text("host"), number(7000)});
    for (const auto& reply :
         {text("OK"), list({number(1)}), list({list({number(0), number(1)})}),
          list({list({number(1), number(0), node})}),
          list({list({number(0), number(16384), node})}),
          list({list({number(-1), number(0), node})}), list({list({number(0), text("1"), node})}),
          list({list({number(0), number(1), list({text("host"), number(0)})})}),
          list({list({number(0), number(1), list({text("host"), number(65536)})})}),
          list({list({number(0), number(1), list({text("host")})})})})
        EXPECT_FALSE(read_slot_map(reply, "seed"));
}

TEST(ClusterSlots, ARedirection_SaysSlotNodeAndForHowLong) {
    const auto moved = read_redirection("MOVED 3999 127.0.0.1:6381", "asked");
    ASSERT_TRUE(moved);
    EXPECT_FALSE(moved->for_once);
    EXPECT_EQ(moved->slot, 3999);
    EXPECT_EQ(moved->to, (redis_endpoint{"127.0.0.1", "6381"}));
    const auto ask = read_redirection("ASK 0 ::1:6381", "asked");
    ASSERT_TRUE(ask);
    EXPECT_TRUE(ask->for_once);
    EXPECT_EQ(ask->to, (redis_endpoint{"::1", "6381"}));
    EXPECT_EQ(read_redirection("MOVED 1 :6381", "asked")->to, (redis_endpoint{"asked", "6381"}));
}

TEST(ClusterSlots, AnotherErrorOrHalfARedirection_IsNone) {
    for (const auto* error : {"", "WRONGTYPE", "MOVED", "MOVED 1", "MOVED x host:1", "MOVED 1 host",
                              "MOVED 1 host:0", "MOVED 1 host:65536", "MOVED 16384 host:1",
                              "ASK -1 host:1", "MOVEDX 1 host:1", "MOVED 1 host:1x"})
        EXPECT_FALSE(read_redirection(error, "asked")) << error;
}

TEST(ClusterSlots, ANodesOwnLine_SaysItsSlotsAndWhetherTheyMove) {
    const std::string other = "aa 127.0.0.1:1@2 master - 0 0 1 connected 0-100 [7->-bb]\n";
    const std::string own = "bb 127.0.0.1:3@4 myself,master - 0 0 2 connected";
    const auto resting = read_own_slots(other + own + " 101-16382 16383\n");
    ASSERT_TRUE(resting);
    EXPECT_EQ(resting->text, "101-16382 16383");
    EXPECT_EQ(resting->count, 16283);
    EXPECT_FALSE(resting->on_the_move);
    EXPECT_TRUE(read_own_slots(own + " 5 [7-<-aa]")->on_the_move);
    EXPECT_EQ(read_own_slots(own)->count, 0);
    EXPECT_FALSE(read_own_slots(other));
    EXPECT_FALSE(read_own_slots(own + " 5-x"));
    EXPECT_FALSE(read_own_slots("bb 127.0.0.1:3@4 myself"));
}

} // namespace
} // namespace countersign::tests
