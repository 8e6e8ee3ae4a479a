#include "store/connection.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace countersign::store {

namespace {

using parsed_address = boost::system::result<redis_address, std::string>;

std::optional<int> number_of(std::string_view text, int smallest, int largest) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (value < smallest || value > largest) return std::nullopt;
    return value;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const auto digits = text.substr(i + 1, 2);
        int byte = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2)
            return std::nullopt;
        decoded += static_cast<char>(byte);
        i += 2;
    }
    return decoded;
}

bool read_database(std::string_view text, redis_address& to) {
    const auto database = number_of(text, 0, 65535);
    if (database) to.database = *database;
    return database.has_value();
}

parsed_address parse_unix(std::string_view rest) {
    constexpr std::string_view database_query = "db=";
    redis_address address;
    const auto query_at = rest.find('?');
    address.unix_socket = rest.substr(0, query_at);
    if (!address.unix_socket.starts_with('/'))
        return std::string("the path of a unix:// URL must be absolute: unix:///path");
    if (query_at == std::string_view::npos) return address;
    const auto query = rest.substr(query_at + 1);
    if (!query.starts_with(database_query) ||
        !read_database(query.substr(database_query.size()), address))
        return std::string("after ? a unix:// URL takes only db=<number>");
    return address;
}

bool read_credentials(std::string_view text, redis_address& to) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    const auto user = percent_decoded(text.substr(0, colon));
    const auto password = percent_decoded(text.substr(colon + 1));
    if (!user || !password || password->empty()) return false;
    to.user = *user;
    to.password = *password;
    return true;
}

// host, host:port, [IPv6] or [IPv6]:port.
std::optional<redis_endpoint> read_host(std::string_view text) {
    redis_endpoint read{.host = "", .port = redis_address{}.port};
    std::string_view after;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        read.host = text.substr(1, close - 1);
        after = text.substr(close + 1);
    } else {
        const auto colon = text.find(':');
        read.host = text.substr(0, colon);
        if (colon != std::string_view::npos) after = text.substr(colon);
    }
    if (read.host.empty()) return std::nullopt;
    if (after.empty()) return read;
    if (!after.starts_with(':') || !number_of(after.substr(1), 1, 65535)) return std::nullopt;
    read.port = after.substr(1);
    return read;
}

constexpr const char* no_host = "the host of a Redis URL is missing or its port is not 1 to 65535";

parsed_address parse_seeds(std::string_view rest, redis_address address) {
    if (rest.find('/') != std::string_view::npos)
        return std::string("a redis+cluster:// URL ends with its nodes: a cluster has one database "
                           "only, number 0, so none is chosen");
    for (std::size_t begin = 0; begin <= rest.size();) {
        const auto end = std::min(rest.find(',', begin), rest.size());
        auto seed = read_host(rest.substr(begin, end - begin));
        if (!seed) return std::string(no_host);
        if (address.seeds.size() == redis_seeds_max)
            return std::string("a redis+cluster:// URL names 64 nodes at most; the others are "
                               "learnt from them");
        address.seeds.push_back(*std::move(seed));
        begin = end + 1;
    }
    return address;
}

enum class servers : bool { one, cluster };

parsed_address parse_network(std::string_view rest, bool tls, servers count) {
    redis_address address;
    address.tls = tls;
    // The last @, because a password may hold one by mistake and must not end up as a host.
    if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
        if (!read_credentials(rest.substr(0, at), address))
            return std::string("the credentials of a Redis URL are user:password or :password, "
                               "percent-encoded where needed");
        rest.remove_prefix(at + 1);
    }
    if (count == servers::cluster) return parse_seeds(rest, std::move(address));
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
        const auto database = rest.substr(slash + 1);
        if (!database.empty() && !read_database(database, address))
            return std::string("after the host a Redis URL takes only /<database number>");
        rest = rest.substr(0, slash);
    }
    auto server = read_host(rest);
    if (!server) return std::string(no_host);
    address.host = std::move(server->host);
    address.port = std::move(server->port);
    return address;
}

} // namespace

parsed_address parse_redis_url(std::string_view url) {
    // A NUL would end a host's or a path's text for the system, and what follows it would be kept.
    if (std::ranges::any_of(url, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; }))
        return std::string("a Redis URL has no control characters");
    const auto separator = url.find("://");
    const auto scheme = url.substr(0, separator);
    if (separator != std::string_view::npos) {
        const auto rest = url.substr(separator + 3);
        if (scheme == "redis") return parse_network(rest, false, servers::one);
        if (scheme == "rediss") return parse_network(rest, true, servers::one);
        if (scheme == "redis+cluster") return parse_network(rest, false, servers::cluster);
        if (scheme == "rediss+cluster") return parse_network(rest, true, servers::cluster);
        if (scheme == "unix") return parse_unix(rest);
    }
    return std::string("a Redis URL starts with redis://, rediss://, redis+cluster://, "
                       "rediss+cluster:// or unix://");
}

} // namespace countersign::store
