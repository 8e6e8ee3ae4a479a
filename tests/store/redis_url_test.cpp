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
