#include "store/outbox_entries.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

namespace countersign::store {

using core::mail_lane;

namespace {

std::string prefix(int partition) {
    return "cs:{" + std::to_string(partition) + "}:";
}
// The inverse of stream_key().
std::optional<std::pair<int, mail_lane>> parse_stream_key(std::string_view key) {
    constexpr std::string_view start = "cs:{";
    int partition = 0;
    if (!key.starts_with(start)) return std::nullopt;
    const auto [rest, error] =
        std::from_chars(key.data() + start.size(), key.data() + key.size(), partition);
    if (error != std::errc{}) return std::nullopt;
    for (const auto lane : outbox_lanes)
        if (key == stream_key(partition, lane)) return std::pair{partition, lane};
    return std::nullopt;
}

// What cannot be read means all of the event's: rather a second mail than none.
std::vector<std::string> parse_recipients(std::string_view text) {
    boost::system::error_code error;
    const auto parsed = boost::json::parse(text, error);
    const auto* list = error ? nullptr : parsed.if_array();
    if (!list) return {};
    std::vector<std::string> recipients;
    for (const auto& item : *list) {
        const auto* address = item.if_string();
        if (!address) return {};
        recipients.emplace_back(*address);
    }
    return recipients;
}

// One entry as streams give it: [id, [field, value, …]], and the deliveries behind it in a page. An
// entry that was deleted while somebody had it has no fields: its payload is empty.
std::optional<outbox_entry> parse_entry(int partition, mail_lane lane, const reply_value& reply) {
    const auto* parts = reply.list();
    if (!parts || parts->size() < 2 || !parts->front().text()) return std::nullopt;
    outbox_entry entry{.partition = partition, .lane = lane};
    entry.stream_id = *parts->front().text();
    if (parts->size() > 2) {
        const auto* deliveries = (*parts)[2].integer();
        if (!deliveries) return std::nullopt;
        entry.deliveries = static_cast<int>(*deliveries);
    }
    const auto* fields = (*parts)[1].list();
    for (std::size_t i = 0; fields && i + 1 < fields->size(); i += 2) {
        const auto* name = (*fields)[i].text();
        const auto* value = (*fields)[i + 1].text();
        if (!name || !value) return std::nullopt;
        if (*name == "e") entry.payload = *value;
        if (*name == "r") entry.recipients = parse_recipients(*value);
        if (*name == "reason") entry.reason = *value;
        if (*name == "n")
            std::from_chars(value->data(), value->data() + value->size(), entry.attempts);
    }
    return entry;
}

} // namespace

std::string_view name_of(mail_lane lane) noexcept {
    switch (lane) {
    case mail_lane::code:
        return "code";
    case mail_lane::alert:
        return "alert";
    }
    return {};
}

std::string stream_key(int partition, mail_lane lane) {
    return prefix(partition).append("outbox:").append(name_of(lane));
}
std::vector<std::string> stream_keys(int partition) {
    return {stream_key(partition, mail_lane::code), stream_key(partition, mail_lane::alert)};
}
std::string dead_key(int partition, mail_lane lane) {
    return prefix(partition).append("dead:").append(name_of(lane));
}
std::string retry_key(int partition) {
    return prefix(partition) + "retry";
}

std::string recipients_text(const std::vector<std::string>& recipients) {
    if (recipients.empty()) return {};
    return boost::json::serialize(boost::json::array(recipients.begin(), recipients.end()));
}

entries_result parse_entries(int partition, mail_lane lane, const reply_value& reply) {
    std::vector<outbox_entry> entries;
    if (reply.is_nil()) return entries;
    const auto* list = reply.list();
    if (!list) return store_error::corrupt;
    for (const auto& item : *list) {
        auto entry = parse_entry(partition, lane, item);
        if (!entry) return store_error::corrupt;
        entries.push_back(std::move(*entry));
    }
    return entries;
}

entries_result parse_streams(const reply_value& reply) {
    std::vector<outbox_entry> all;
    if (reply.is_nil()) return all;
    const auto* streams = reply.list();
    if (!streams || streams->size() % 2 != 0) return store_error::corrupt;
    for (std::size_t i = 0; i < streams->size(); i += 2) {
        const auto* key = (*streams)[i].text();
        const auto place = key ? parse_stream_key(*key) : std::nullopt;
        if (!place) return store_error::corrupt;
        auto entries = parse_entries(place->first, place->second, (*streams)[i + 1]);
        if (!entries) return entries;
        std::move(entries->begin(), entries->end(), std::back_inserter(all));
    }
    return all;
}

std::optional<outbox_entry> parse_retry(int partition, std::string_view member) {
    boost::system::error_code error;
    const auto parsed = boost::json::parse(member, error);
    const auto* parts = error ? nullptr : parsed.if_array();
    if (!parts || parts->size() != 5) return std::nullopt;
    std::array<std::string_view, 5> texts; // as retry.lua wrote them
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto* text = (*parts)[i].if_string();
        if (!text) return std::nullopt;
        texts[i] = *text;
    }
    const auto lane = std::ranges::find(outbox_lanes, texts[0], name_of);
    if (lane == outbox_lanes.end()) return std::nullopt;
    outbox_entry entry{.partition = partition, .lane = *lane};
    entry.stream_id = texts[1];
    std::from_chars(texts[2].data(), texts[2].data() + texts[2].size(), entry.attempts);
    entry.recipients = parse_recipients(texts[3]);
    entry.payload = texts[4];
    return entry;
}

store_result<entries_page> parse_page(int partition, mail_lane lane, const reply_value& reply) {
    const auto* parts = reply.list();
    if (!parts || parts->size() != 2 || !parts->front().text()) return store_error::corrupt;
    auto entries = parse_entries(partition, lane, parts->back());
    if (!entries) return entries.error();
    return entries_page{*parts->front().text(), std::move(*entries)};
}

} // namespace countersign::store
