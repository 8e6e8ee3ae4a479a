// When a refused client may ask again (RFC 9110 section 10.2.3), said alike by every family.
#pragma once

#include "core/types.hpp"
#include "net/reply.hpp"

#include <string>

namespace countersign::net {

// While the store is away, or too many requests wait, a client should ask again soon: it heals by
// itself.
inline constexpr core::seconds soon{1};

// Adds the field, unless there is nothing to wait for.
inline void add_retry_after(reply& out, core::seconds wait) {
    if (wait > core::seconds(0))
        out.headers.emplace_back("Retry-After", std::to_string(wait.count()));
}

} // namespace countersign::net
