// Ownership of OpenSSL's objects. Only for the .cpp files of this folder.
#pragma once

#include <memory>

namespace countersign::core {

template <auto Free>
struct openssl_deleter {
    void operator()(auto* object) const noexcept { Free(object); }
};

template <typename T, auto Free>
using openssl_ptr = std::unique_ptr<T, openssl_deleter<Free>>;

} // namespace countersign::core
