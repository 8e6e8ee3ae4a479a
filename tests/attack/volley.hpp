// Requests that reach the server at the same moment: every connection holds its last byte back
// until all others have sent theirs but one (last-byte synchronisation).
#pragma once

#include "tests/support/native_client.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// A request with all tokens that `who` has.
[[nodiscard]] std::string request_of(const native_client& who, std::string_view method,
                                     std::string_view target, std::string_view body = {});

// The replies, in the order of the requests.
[[nodiscard]] std::vector<http_response> volley(std::uint16_t port,
                                                const std::vector<std::string>& requests);

// `count` requests, made from `senders` in turn.
[[nodiscard]] std::vector<std::string>
each_in_turn(const std::vector<native_client>& senders, std::size_t count,
             const std::function<std::string(const native_client&)>& make);

[[nodiscard]] std::size_t count_status(const std::vector<http_response>& replies, unsigned status);

} // namespace countersign::tests
