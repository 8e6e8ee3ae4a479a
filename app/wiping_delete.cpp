// Memory that C++ gives back is overwritten first, so that what a request held (a password, a code,
// a token) does not stay behind in the process: in a core dump, in swap, for a bug that reads too
// far. Part of the program only, not of the tests; sanitizers have an allocator of their own.
#include <cstddef>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <string.h> // explicit_bzero

namespace {

void wipe_and_free(void* memory) noexcept {
    if (memory == nullptr) return;
    ::explicit_bzero(memory, ::malloc_usable_size(memory));
    std::free(memory);
}

} // namespace

void operator delete(void* memory) noexcept {
    wipe_and_free(memory);
}
void operator delete[](void* memory) noexcept {
    wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    wipe_and_free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    wipe_and_free(memory);
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
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    wipe_and_free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    wipe_and_free(memory);
}
