// What Redis answers about the outbox, after Boost.Redis has read it: any shape of answer gives
// entries or `corrupt`, never a fault. The input is JSON: texts, whole numbers, null and arrays are
// the same as Redis' values.
#include "store/outbox_entries.hpp"
#include "tests/fuzz/target.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace countersign::fuzz {
namespace {

using core::mail_lane;

store::reply_value reply_of(const boost::json::value& value) {
    if (const auto* text = value.if_string()) return {std::string(*text)};
    if (const auto* number = value.if_int64()) return {*number};
    std::vector<store::reply_value> items;
    if (const auto* list = value.if_array())
        for (const auto& item : *list)
            items.push_back(reply_of(item));
    else if (const auto* map = value.if_object()) // RESP3: keys and values in turn
        for (const auto& [key, member] : *map) {
            items.push_back({std::string(key)});
            items.push_back(reply_of(member));
        }
    else
        return {};
    return {std::move(items)};
}

void check(const store::outbox_entry& entry, mail_lane lane) {
    require(entry.partition == 3 && entry.lane == lane, "an entry keeps its place");
    const auto text = store::recipients_text(entry.recipients);
    require(text.empty() == entry.recipients.empty(), "no recipients are no text");
    require(text.find('\n') == std::string::npos, "recipients are one line");
}

void redis_replies(std::string_view input) {
    if (const auto retry = store::parse_retry(3, input)) check(*retry, retry->lane);
    boost::system::error_code error;
    const auto value = boost::json::parse(input, error);
    if (error) return;
    const auto reply = reply_of(value);
    const auto size = reply.list() != nullptr ? reply.list()->size() : 0;

    const auto entries = store::parse_entries(3, mail_lane::alert, reply);
    if (entries.has_value()) {
        require(entries->size() == size, "every element is an entry");
        for (const auto& entry : *entries)
            check(entry, mail_lane::alert);
    }
    if (const auto page = store::parse_page(3, mail_lane::code, reply); page.has_value()) {
        require(size == 2, "a page is a cursor and its entries");
        for (const auto& entry : page->entries)
            check(entry, mail_lane::code);
    }
    if (const auto streams = store::parse_streams(reply); streams.has_value())
        for (const auto& entry : *streams) {
            const auto key = store::stream_key(entry.partition, entry.lane);
            require(std::ranges::any_of(*reply.list(),
                                        [&](const auto& each) {
                                            return each.text() != nullptr && *each.text() == key;
                                        }),
                    "an entry is of a stream that was answered");
        }
}

const registration here("redis_replies", redis_replies);

} // namespace
} // namespace countersign::fuzz
