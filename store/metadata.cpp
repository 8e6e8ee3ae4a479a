#include "store/metadata.hpp"

#include "store/scripts.hpp"

#include <spdlog/spdlog.h>

#include <charconv>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr const char* metadata_key = "cs:meta";

bool read_partitions(const std::string& text, metadata& to) {
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, to.partitions);
    return error == std::errc{} && end == last && to.partitions >= 1 &&
           to.partitions <= partitions_max;
}

} // namespace

awaitable<store_result<metadata>> read_or_create_metadata(connection& redis, metadata proposed) {
    std::vector<std::string> keys{metadata_key};
    std::vector<std::string> arguments{std::to_string(proposed.partitions),
                                       std::move(proposed.key_fingerprint)};
    const auto reply = co_await redis.script(scripts::metadata(), keys, arguments);
    if (!reply) co_return reply.error();
    const auto* fields = reply->list();
    if (fields && fields->size() == 2) {
        const auto* partitions = (*fields)[0].text();
        const auto* fingerprint = (*fields)[1].text();
        metadata stored;
        if (partitions && fingerprint && read_partitions(*partitions, stored)) {
            stored.key_fingerprint = *fingerprint;
            co_return stored;
        }
    }
    spdlog::error("{} is corrupt", metadata_key);
    co_return store_error::corrupt;
}

awaitable<store_result<void>> write_key_fingerprint(connection& redis, std::string fingerprints) {
    std::vector<std::string> set{"HSET", metadata_key, "key_fingerprint", std::move(fingerprints)};
    const auto reply = co_await redis.command(std::move(set));
    if (!reply) co_return reply.error();
    co_return store_result<void>();
}

int partition_of(const core::account_id& id, int partitions) noexcept {
    constexpr std::uint64_t offset_basis = 14695981039346656037U;
    constexpr std::uint64_t prime = 1099511628211U;
    auto hash = offset_basis;
    for (const char letter : id.value())
        hash = (hash ^ static_cast<unsigned char>(letter)) * prime;
    return static_cast<int>(hash % static_cast<std::uint64_t>(partitions));
}

} // namespace countersign::store
