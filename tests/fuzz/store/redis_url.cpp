// redis://, rediss://, redis+cluster://, rediss+cluster:// and unix:// URLs: what is taken can be
// connected to, and what is refused is refused without its password.
#include "store/connection.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace countersign::fuzz {
namespace {

// A refusal says the same to everybody, so nothing of the URL can be in it.
bool is_said_to_everybody(const std::string& sentence) {
    constexpr std::array<std::string_view, 8> refused{
        "",         "unix://x",           "unix:///x?y", "\n", "redis://u@h", "redis://h/x",
        "redis://", "redis+cluster://h/0"};
    static const auto too_many_seeds = [] {
        std::string url = "redis+cluster://h";
        for (std::size_t i = 0; i < store::redis_seeds_max; ++i)
            url += ",h";
        return url;
    }();
    return store::parse_redis_url(too_many_seeds).error() == sentence ||
           std::ranges::any_of(refused, [&](std::string_view url) {
               return store::parse_redis_url(url).error() == sentence;
           });
}

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
}

void require_endpoint(const store::redis_endpoint& place, std::string_view never_in_a_host) {
    int port = 0;
    const auto* const end = place.port.data() + place.port.size();
    const auto [stopped, error] = std::from_chars(place.port.data(), end, port);
    require(error == std::errc() && stopped == end && port >= 1 && port <= 65535,
            "the port is one");
    require(!place.host.empty() && place.host.find_first_of(never_in_a_host) == std::string::npos,
            "the host is not empty, and no credentials end up in it");
    require(!has_control(place.host), "a host is one line");
}

void redis_url(std::string_view input) {
    const auto read = store::parse_redis_url(input);
    if (read.has_error()) {
        require(is_said_to_everybody(read.error()), "a refusal quotes nothing");
        return;
    }
    const auto& address = read.unsafe_value();
    require(!has_control(address.host) && !has_control(address.unix_socket),
            "host and path are one line");
    require(address.database >= 0 && address.database <= 65535, "the database is in its range");
    if (!address.unix_socket.empty()) {
        require(address.unix_socket.starts_with('/') && !address.tls,
                "a socket's path is absolute");
        return;
    }
    if (address.seeds.empty()) require_endpoint({address.host, address.port}, "@/");
    require(address.seeds.size() <= store::redis_seeds_max, "the seeds are bounded");
    require(address.seeds.empty() || address.database == 0, "a cluster has one database");
    for (const auto& seed : address.seeds)
        require_endpoint(seed, "@/,");
    require(address.user.empty() || !address.password.empty(), "a user has a password");
}

const registration here("redis_url", redis_url);

} // namespace
} // namespace countersign::fuzz
