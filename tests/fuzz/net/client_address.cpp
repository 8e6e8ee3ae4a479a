// Who the client is, behind proxies: an address that somebody trusted has said. The input's
// records: the peer, a trusted block, and fields of X-Forwarded-For, the last of them of
// X-Forwarded-Proto.
#include "net/client_address.hpp"
#include "tests/fuzz/target.hpp"

#include <vector>

namespace countersign::fuzz {
namespace {

namespace ip = boost::asio::ip;

void client_address(std::string_view input) {
    records in(input);
    const auto peer_text = in.next(), block_text = in.next();
    net::trusted_proxies proxies{net::address_block::parse("192.0.2.0/24").unsafe_value()};
    if (auto block = net::address_block::parse(block_text); block.has_value())
        proxies.push_back(block.unsafe_value());
    boost::system::error_code error;
    auto peer = ip::make_address(std::string(peer_text.substr(0, 64)), error);
    if (error) peer = ip::make_address("192.0.2.1");

    std::vector<net::header_field> fields;
    while (!in.rest().empty() && fields.size() < 64) {
        const auto value = in.next();
        const bool last = in.rest().empty();
        fields.push_back({.id = boost::beast::http::field::unknown,
                          .name = last ? "x-forwarded-proto" : "X-FORWARDED-FOR",
                          .value = value});
    }
    const auto client = net::forwarded_client(peer, proxies, fields);
    const auto address = ip::make_address(client.ip, error);
    require(!error, "the client is an address");
    require(net::to_text(address) == client.ip, "an address has one text");
    require(!address.is_v6() || !address.to_v6().is_v4_mapped(), "IPv4 comes without its clothes");

    // What a stranger writes on the left of what a trusted proxy added changes nothing.
    const bool named_by_proxy =
        client.ip != net::to_text(peer) && !net::is_trusted(proxies, address);
    if (named_by_proxy && fields.size() > 1) {
        const auto forged = "203.0.113.99, " + std::string(fields.front().value);
        fields.front().value = forged;
        require(net::forwarded_client(peer, proxies, fields).ip == client.ip,
                "a client cannot choose its address");
    }

    const auto key = net::limit_key(client.ip);
    require(!key.empty() && (address.is_v4() ? key == client.ip : key.ends_with("/64")),
            "a limit counts an address, or its /64");
}

const registration here("client_address", client_address);

} // namespace
} // namespace countersign::fuzz
