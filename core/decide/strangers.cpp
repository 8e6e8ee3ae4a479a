#include "core/decide/strangers.hpp"

#include <utility>

namespace countersign::core {

namespace {

constexpr std::string_view prefix = "stranger_";
constexpr std::size_t digits = 32;

} // namespace

account_id stranger_of(const email_address& address, const code_hasher& codes) {
    return account_id(std::string(prefix) +
                      codes.index_key("stranger", address.value()).substr(0, digits));
}

bool is_stranger(const account_id& id) noexcept {
    return id.value().starts_with(prefix);
}

account make_stranger(account_id id) {
    account made;
    made.id = std::move(id);
    return made;
}

} // namespace countersign::core
