#include "store/connection.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using store::parse_redis_url;

store::redis_address parsed(std::string_view url) {
    const auto address = parse_redis_url(url);
    EXPECT_TRUE(address.has_value()) << url;
    return address.has_value() ? address.unsafe_value() : store::redis_address{};
}

TEST(RedisUrl, AHostAlone_HasTheDefaultPortAndDatabase) {
    const auto address = parsed("redis://cache.example");
    EXPECT_EQ(address.host, "cache.example");
    EXPECT_EQ(address.port, "6379");
    EXPECT_EQ(address.database, 0);
    EXPECT_FALSE(address.tls);
    EXPECT_TRUE(address.unix_socket.empty());
}

TEST(RedisUrl, AllItsParts_AreRead) {
    const auto address = parsed("rediss://app:p%40ss%2F@[2001:db8::1]:6380/7");
    EXPECT_TRUE(address.tls);
    EXPECT_EQ(address.user, "app");
    EXPECT_EQ(address.password, "p@ss/");
    EXPECT_EQ(address.host, "2001:db8::1");
    EXPECT_EQ(address.port, "6380");
    EXPECT_EQ(address.database, 7);
}

TEST(RedisUrl, APasswordAlone_HasNoUser) {
    const auto address = parsed("redis://:secret@localhost/");
    EXPECT_TRUE(address.user.empty());
    EXPECT_EQ(address.password, "secret");
}

TEST(RedisUrl, AUnixSocket_IsAPathWithADatabase) {
    const auto plain = parsed("unix:///run/redis/redis.sock");
    EXPECT_EQ(plain.unix_socket, "/run/redis/redis.sock");
    const auto numbered = parsed("unix:///run/redis.sock?db=2");
    EXPECT_EQ(numbered.unix_socket, "/run/redis.sock");
    EXPECT_EQ(numbered.database, 2);
}

TEST(RedisUrl, ACluster_IsItsSeedsWithOneLoginForAll) {
    const auto one = parsed("redis+cluster://cache.example");
    EXPECT_FALSE(one.tls);
    EXPECT_EQ(one.seeds, (std::vector<store::redis_endpoint>{{"cache.example", "6379"}}));
    const auto all = parsed("rediss+cluster://app:a,b%40c@one:7000,[2001:db8::1]:7001,three");
    EXPECT_TRUE(all.tls);
    EXPECT_EQ(all.user, "app");
    EXPECT_EQ(all.password, "a,b@c");
    EXPECT_EQ(all.seeds, (std::vector<store::redis_endpoint>{
                             {"one", "7000"}, {"2001:db8::1", "7001"}, {"three", "6379"}}));
    EXPECT_TRUE(parsed("redis://one").seeds.empty());
}

TEST(RedisUrl, AClusterWithADatabase_IsRefusedWithTheReason) {
    for (const auto* text : {"redis+cluster://host/0", "redis+cluster://host:7000,other/1"})
        EXPECT_NE(parse_redis_url(text).error().find("one database"), std::string::npos) << text;
}

TEST(RedisUrl, MoreSeedsThanAnybodyNeeds_AreRefused) {
    std::string url = "redis+cluster://h";
    for (std::size_t i = 1; i < store::redis_seeds_max; ++i)
        url += ",h";
    EXPECT_TRUE(parse_redis_url(url).has_value());
    EXPECT_TRUE(parse_redis_url(url + ",h").has_error());
}

TEST(RedisUrl, WhatIsNoRedisUrl_IsASentenceWithoutThePassword) {
    for (const auto* text : {"",
                             "localhost",
                             "localhost:6379",
                             "http://host",
                             "redis://",
                             "redis://host:0",
                             "redis://host:65536",
                             "redis://host:",
                             "redis://host:6379x",
                             "redis://host/x",
                             "redis://host/-1",
                             "redis://[::1",
                             "redis://[::1]6379",
                             "redis://user@host",
                             "redis://user:@host",
                             "redis://user:hunter2%4@host",
                             "redis://user:hunter2@",
                             "redis://user:hunter2@host/1?x=y",
                             "redis+cluster://",
                             "redis+cluster://,",
                             "redis+cluster://host,",
                             "redis+cluster://host,,host",
                             "redis+cluster://host:0,host",
                             "redis+cluster://host,host:65536",
                             "redis+cluster://user:hunter2@",
                             "redis+cluster://user:hunter2@host/1",
                             "cluster://host",
                             "unix+cluster:///a",
                             "unix://relative",
                             "unix:///a?db=",
                             "unix:///a?x=1"}) {
        const auto address = parse_redis_url(text);
        ASSERT_TRUE(address.has_error()) << text;
        EXPECT_FALSE(address.error().empty());
        EXPECT_EQ(address.error().find("hunter2"), std::string::npos);
    }
}

TEST(RedisUrl, AControlCharacter_IsRefused) {
    using std::string_view_literals::operator""sv;
    for (const auto text : {"redis://host\0.example.org"sv, "unix:///run\0/redis.sock"sv,
                            "redis://host\n"sv, "redis://ho\x7fst"sv})
        EXPECT_TRUE(parse_redis_url(text).has_error()) << text;
    EXPECT_TRUE(parse_redis_url("unix:///run/a redis.sock").has_value());
}

} // namespace
} // namespace countersign::tests
