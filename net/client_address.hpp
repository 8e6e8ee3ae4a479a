// Who the client is. Its address is the peer of the connection, unless that peer is a proxy that
// the operator trusts: then X-Forwarded-For counts, from the right, because everything to the left
// of the first untrusted entry was written by strangers.
#pragma once

#include "net/request.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/system/result.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::net {

// An address block such as 10.0.0.0/8, 2001:db8::/32, or one address.
class address_block {
public:
    // The error is a sentence for the operator. Bits beyond the prefix must be zero, so that a slip
    // of the pen is noticed.
    [[nodiscard]] static boost::system::result<address_block, std::string>
    parse(std::string_view text);

    // An IPv4 address in IPv6 clothes (::ffff:192.0.2.1) counts as the IPv4 address.
    [[nodiscard]] bool contains(const boost::asio::ip::address& address) const noexcept;

private:
    address_block(boost::asio::ip::address base, unsigned prefix_bits)
        : base_(std::move(base)), prefix_bits_(prefix_bits) {}

    boost::asio::ip::address base_;
    unsigned prefix_bits_;
};

using trusted_proxies = std::vector<address_block>;
[[nodiscard]] bool is_trusted(const trusted_proxies& proxies,
                              const boost::asio::ip::address& address) noexcept;

struct client_identity {
    std::string ip;
    bool secure = false;
};

// For a connection whose peer is a trusted proxy. Walks the X-Forwarded-For entries of all lines
// from the right past the trusted ones; the first other is the client. At a malformed entry the
// walk ends with the last good one. The rightmost X-Forwarded-Proto entry says whether the client
// came by https.
[[nodiscard]] client_identity forwarded_client(const boost::asio::ip::address& peer,
                                               const trusted_proxies& proxies,
                                               std::span<const header_field> fields);

// The address without a zone; IPv4 in IPv6 clothes as IPv4.
[[nodiscard]] std::string to_text(const boost::asio::ip::address& address);

// What rate limits count by: an IPv4 address itself, an IPv6 address by its /64, which is what one
// customer gets. Anything that is no address is its own key.
[[nodiscard]] std::string limit_key(std::string_view ip);

} // namespace countersign::net
