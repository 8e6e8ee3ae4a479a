#include "net/families/service/key_cache.hpp"

#include "core/crypto/digest.hpp"

#include <span>
#include <utility>
#include <vector>

namespace countersign::net::service {

key_cache::key_cache(store::service_keys& keys, core::random_source& random) : keys_(keys) {
    random.fill(secret_);
}

key_cache::name key_cache::name_of(std::string_view presented) const {
    std::vector<std::byte> message(secret_.begin(), secret_.end());
    const auto text = std::as_bytes(std::span(presented));
    message.insert(message.end(), text.begin(), text.end());
    return core::sha256(message);
}

key_cache::key key_cache::recall(std::string_view presented) const {
    const auto found = entries_.find(name_of(presented));
    if (found == entries_.end() || !found->second.fresh(clock::now())) return nullptr;
    return found->second.found;
}

awaitable<store::store_result<key_cache::key>> key_cache::find(std::string_view presented) {
    const auto name = name_of(presented);
    // The time before asking: the answer may be as old as the question.
    const auto asked_at = clock::now();
    auto answer = co_await keys_.find(presented);
    if (answer.has_error()) co_return answer.error();
    if (!answer->has_value()) co_return key();
    auto found = std::make_shared<const store::service_key>(**std::move(answer));
    keep(name, {found, asked_at});
    co_return found;
}

void key_cache::keep(const name& of, entry fresh) {
    if (entries_.size() >= size_max) {
        const auto now = clock::now();
        std::erase_if(entries_, [now](const auto& each) { return !each.second.fresh(now); });
    }
    if (entries_.size() >= size_max) entries_.clear();
    entries_.insert_or_assign(of, std::move(fresh));
}

} // namespace countersign::net::service
