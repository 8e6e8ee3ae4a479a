// The steps of net between bytes and handlers, each by itself.
#pragma once

#include "net/limits.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/router.hpp"

#include <string_view>
#include <vector>

namespace countersign::bench {

// What net::connection does with a header section that has arrived whole.
class head_reader {
public:
    // The request, with views into `bytes`; good until the next one. Throws std::runtime_error if
    // it would be refused.
    [[nodiscard]] net::request& read(std::string_view bytes);

private:
    net::limits bounds_;
    net::request request_;
};

// Of every family, in the order of app::api_family, each once.
[[nodiscard]] std::vector<net::route_key> all_routes();

// To a right TOTP code.
[[nodiscard]] net::reply verified_reply();
inline constexpr net::reply_framing reply_framing_now{.date = "Fri, 15 Jan 2027 08:00:15 GMT"};

} // namespace countersign::bench
