// Memory that is given back is overwritten first, so that what a request held (a password, a code,
// a token) does not stay behind in the process: in a core dump, in swap, for a bug that reads too
// far. C++ gives back by operator delete; libraries in C, and Asio for the frames of coroutines, by
// free() and realloc(), which stand here before the allocator's own. Part of the program only, not
// of the tests; sanitizers have an allocator of their own.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mimalloc.h>
#include <new>
#include <string.h> // explicit_bzero

namespace {

// Larger blocks that go by free() are Argon2's, which wipes them itself, and no buffers of
// OpenSSL's or libcurl's.
constexpr std::size_t freed_wiped_max_bytes = 256 * 1024;

void wipe_and_free(void* memory) noexcept {
    if (memory == nullptr) return;
    ::explicit_bzero(memory, ::mi_usable_size(memory));
    ::mi_free(memory);
}

// What was asked for is what was written to; the allocator's blocks may be larger.
void wipe_and_free(void* memory, std::size_t size) noexcept {
    if (memory == nullptr) return;
    ::explicit_bzero(memory, size);
    ::mi_free(memory);
}

} // namespace

extern "C" {

void free(void* memory) noexcept {
    if (memory == nullptr) return;
    if (const auto size = ::mi_usable_size(memory); size <= freed_wiped_max_bytes)
        ::explicit_bzero(memory, size);
    ::mi_free(memory);
}

void* realloc(void* memory, std::size_t size) noexcept {
    const auto usable = ::mi_usable_size(memory); // 0 of nullptr
    if (memory != nullptr && size <= usable && size > usable / 2) return memory;
    void* const moved = ::mi_malloc(size);
    if (moved == nullptr || memory == nullptr) return moved;
    std::memcpy(moved, memory, std::min(size, usable));
    free(memory);
    return moved;
}

void* reallocarray(void* memory, std::size_t count, std::size_t size) noexcept {
    if (size != 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return nullptr;
    }
    return realloc(memory, count * size);
}

} // extern "C"

void operator delete(void* memory) noexcept {
    wipe_and_free(memory);
}
void operator delete[](void* memory) noexcept {
    wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t size) noexcept {
    wipe_and_free(memory, size);
}
void operator delete[](void* memory, std::size_t size) noexcept {
    wipe_and_free(memory, size);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    wipe_and_free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    wipe_and_free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    wipe_and_free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t size, std::align_val_t) noexcept {
    wipe_and_free(memory, size);
}
void operator delete[](void* memory, std::size_t size, std::align_val_t) noexcept {
    wipe_and_free(memory, size);
}
