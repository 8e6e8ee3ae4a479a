#include "app/system.hpp"

#include "core/crypto/secret.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace countersign::app {

void system_random::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const auto size =
            std::min(out.size(), static_cast<std::size_t>(std::numeric_limits<int>::max()));
        if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size)) != 1)
            throw std::runtime_error("OpenSSL has no random bytes");
        out = out.subspan(size);
    }
}

buffered_random::~buffered_random() {
    core::wipe(buffer_);
}

void buffered_random::fill(std::span<std::byte> out) {
    if (out.size() > buffer_.size()) return source_.fill(out);
    if (out.size() > buffer_.size() - used_) {
        source_.fill(buffer_);
        used_ = 0;
    }
    const auto taken = std::span(buffer_).subspan(used_, out.size());
    std::ranges::copy(taken, out.begin());
    core::wipe(taken);
    used_ += out.size();
}

core::unix_time system_clock_now() noexcept {
    return std::chrono::time_point_cast<core::milliseconds>(std::chrono::system_clock::now());
}

} // namespace countersign::app
