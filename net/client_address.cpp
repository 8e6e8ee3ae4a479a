#include "net/client_address.hpp"

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace countersign::net {
namespace {

namespace ip = boost::asio::ip;

ip::address without_clothes(const ip::address& address) {
    if (!address.is_v6()) return address;
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
    return ip::address_v6(v6.to_bytes()); // without the zone
}

std::optional<ip::address> parse_address(std::string_view text) {
    // Longer than any address; and the parser wants a terminated string.
    if (text.empty() || text.size() > 45) return std::nullopt;
    boost::system::error_code error;
    const auto address = ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    return without_clothes(address);
}

// Whether the first `bits` bits are equal.
template <typename Bytes>
bool same_prefix(const Bytes& left, const Bytes& right, unsigned bits) noexcept {
    const std::size_t whole = bits / 8;
    if (!std::equal(left.begin(), left.begin() + whole, right.begin())) return false;
    const unsigned rest = bits % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<unsigned char>(0xFFU << (8 - rest));
    return ((left[whole] ^ right[whole]) & mask) == 0;
}

template <typename Bytes>
bool zero_beyond(const Bytes& bytes, unsigned bits) noexcept {
    for (std::size_t bit = bits; bit < bytes.size() * 8; ++bit)
        if ((bytes[bit / 8] >> (7 - bit % 8)) & 1U) return false;
    return true;
}

std::string_view trim(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_port(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// An entry of X-Forwarded-For. Some proxies add the port, as in 192.0.2.1:4711 and
// [2001:db8::1]:47.
std::optional<ip::address> parse_entry(std::string_view entry) {
    if (entry.starts_with('[')) {
        const auto end = entry.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        const auto rest = entry.substr(end + 1);
        if (!rest.empty() && !(rest.front() == ':' && is_port(rest.substr(1)))) return std::nullopt;
        const auto address = parse_address(entry.substr(1, end - 1));
        return address && address->is_v6() ? address : std::nullopt;
    }
    const auto colon = entry.find(':');
    const bool one_colon =
        colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos;
    if (!one_colon) return parse_address(entry);
    if (!is_port(entry.substr(colon + 1))) return std::nullopt;
    return parse_address(entry.substr(0, colon));
}

// Takes the rightmost entry off a comma-separated list.
std::string_view take_last(std::string_view& list) noexcept {
    const auto comma = list.rfind(',');
    const auto entry = trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
    return entry;
}

} // namespace

boost::system::result<address_block, std::string> address_block::parse(std::string_view text) {
    const auto quoted = "\"" + std::string(text) + "\"";
    const auto slash = text.find('/');
    const auto written = text.substr(0, slash);
    const auto base = parse_address(written);
    if (!base) return quoted + " does not begin with an IP address.";
    const unsigned bits_max = base->is_v4() ? 32 : 128;
    unsigned bits = bits_max;
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto end = digits.data() + digits.size();
        const auto [stopped, error] = std::from_chars(digits.data(), end, bits);
        if (error != std::errc{} || stopped != end || bits > bits_max)
            return quoted + " does not end with a prefix length from 0 to " +
                   std::to_string(bits_max) + ".";
    }
    const bool clean = base->is_v4() ? zero_beyond(base->to_v4().to_bytes(), bits)
                                     : zero_beyond(base->to_v6().to_bytes(), bits);
    if (!clean) return quoted + " has bits set beyond its prefix; write the block's first address.";
    return address_block(*base, bits);
}

bool address_block::contains(const ip::address& address) const noexcept {
    const auto plain = without_clothes(address);
    if (plain.is_v4() != base_.is_v4()) return false;
    return plain.is_v4()
               ? same_prefix(plain.to_v4().to_bytes(), base_.to_v4().to_bytes(), prefix_bits_)
               : same_prefix(plain.to_v6().to_bytes(), base_.to_v6().to_bytes(), prefix_bits_);
}

bool is_trusted(const trusted_proxies& proxies, const ip::address& address) noexcept {
    return std::any_of(proxies.begin(), proxies.end(),
                       [&](const address_block& block) { return block.contains(address); });
}

client_identity forwarded_client(const ip::address& peer, const trusted_proxies& proxies,
                                 std::span<const header_field> fields) {
    client_identity client;
    ip::address last_good = peer;
    bool walking = true;
    bool protocol_seen = false;
    for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
        if (!protocol_seen && equal_ignoring_case(field->name, "X-Forwarded-Proto")) {
            std::string_view list = field->value;
            client.secure = equal_ignoring_case(take_last(list), "https");
            protocol_seen = true;
        }
        if (!walking || !equal_ignoring_case(field->name, "X-Forwarded-For")) continue;
        for (std::string_view list = field->value; walking && !list.empty();) {
            const auto address = parse_entry(take_last(list));
            if (address) last_good = *address;
            walking = address && is_trusted(proxies, *address);
        }
    }
    client.ip = to_text(last_good);
    return client;
}

std::string to_text(const ip::address& address) {
    return without_clothes(address).to_string();
}

std::string limit_key(std::string_view ip_text) {
    const auto address = parse_address(ip_text);
    if (!address) return std::string(ip_text);
    if (address->is_v4()) return address->to_string();
    auto bytes = address->to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return ip::address_v6(bytes).to_string() + "/64";
}

} // namespace countersign::net
