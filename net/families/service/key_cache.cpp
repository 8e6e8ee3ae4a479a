#include "net/families/service/key_cache.hpp"

#include <utility>

namespace countersign::net::service {

key_cache::key key_cache::recall(std::string_view presented) const {
    const auto found = entries_.find(store::service_key_hash(codes_, presented));
    if (found == entries_.end() || !found->second.fresh(clock::now())) return nullptr;
    return found->second.found;
}

boost::asio::awaitable<store::store_result<key_cache::key>>
key_cache::find(std::string_view presented) {
    auto hash = store::service_key_hash(codes_, presented);
    // The time before asking: the answer may be as old as the question.
    const auto asked_at = clock::now();
    auto answer = co_await keys_.find(presented);
    if (answer.has_error()) co_return answer.error();
    if (!answer->has_value()) co_return key();
    auto found = std::make_shared<const store::service_key>(**std::move(answer));
    keep(std::move(hash), {found, asked_at});
    co_return found;
}

void key_cache::keep(std::string hash, entry fresh) {
    if (entries_.size() >= size_max) {
        const auto now = clock::now();
        std::erase_if(entries_, [now](const auto& each) { return !each.second.fresh(now); });
    }
    if (entries_.size() >= size_max) entries_.clear();
    entries_.insert_or_assign(std::move(hash), std::move(fresh));
}

} // namespace countersign::net::service
