// Set-Cookie fields (RFC 6265 section 4.1).
#pragma once

#include "core/types.hpp"

#include <string>
#include <string_view>

namespace countersign::net {

enum class same_site { strict, lax };

// A browser takes a cookie of such a name only with Secure, Path=/ and no Domain, so that no other
// host of the domain can set one (RFC 6265bis section 4.1.3.2).
inline constexpr std::string_view host_prefix = "__Host-";

struct cookie {
    std::string_view prefix; // of the name: host_prefix, or none
    std::string_view name;
    std::string_view value;
    core::seconds life{0}; // zero clears the cookie
    same_site site = same_site::strict;
    bool secure = false;
};

// Always HttpOnly, always Path=/.
[[nodiscard]] std::string to_header(const cookie& cookie);

} // namespace countersign::net
