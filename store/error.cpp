#include "store/error.hpp"

namespace countersign::store {

std::string_view to_string(store_error error) noexcept {
    switch (error) {
    case store_error::unavailable:
        return "unavailable";
    case store_error::contention:
        return "contention";
    case store_error::corrupt:
        return "corrupt";
    case store_error::overloaded:
        return "overloaded";
    case store_error::outbox_full:
        return "the outbox is full";
    }
    return "unknown";
}

} // namespace countersign::store
