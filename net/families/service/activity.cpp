// The account's own security history, a page at a time.
#include "net/families/service/handlers.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace countersign::net::service {

namespace {

constexpr std::size_t page_size = 50;
constexpr std::size_t page_size_max = 100;

// Nullopt: that is no limit.
std::optional<std::size_t> read_limit(const std::optional<std::string>& text) {
    if (!text) return page_size;
    std::size_t limit = 0;
    const auto* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, limit);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    if (limit < 1 || limit > page_size_max) return std::nullopt;
    return limit;
}

boost::json::value text_or_null(const std::string& text) {
    return text.empty() ? boost::json::value() : boost::json::value(text);
}

boost::json::object view_of(const core::activity_row& row) {
    boost::json::object shown;
    shown["event"] = row.what;
    shown["at"] = core::to_rfc3339(row.at);
    shown["by"] = row.by.empty() ? "account" : row.by;
    shown["ip"] = text_or_null(row.ip);
    shown["browser"] = text_or_null(row.browser);
    shown["os"] = text_or_null(row.os);
    const auto add = [&](std::string_view name, const std::string& text) {
        if (!text.empty()) shown[name] = text;
    };
    add("method", row.method);
    add("label", row.label);
    add("oldEmail", row.old_email);
    add("newEmail", row.new_email);
    if (row.remaining_codes > 0) shown["remainingBackupCodes"] = row.remaining_codes;
    return shown;
}

} // namespace

handled read_activity(call& call) {
    const auto limit = read_limit(call.message().query_parameter("limit"));
    if (!limit) co_return call::refuse(invalid("limit", "'limit' is a number from 1 to 100."));
    const auto before = call.message().query_parameter("before").value_or(std::string());
    if (!before.empty() && !store::is_activity_place(before))
        co_return call::refuse(invalid("before", "'before' is the 'next' of another page."));
    const auto account = co_await call.load();
    if (account.has_error()) co_return call::refuse(account.error());

    // One more than is shown tells whether there is another page.
    const auto found = co_await call.with().accounts.activity(account->id, before, *limit + 1);
    if (found.has_error()) co_return call::refuse(from_store(found.error()));
    boost::json::array rows;
    for (std::size_t i = 0; i < std::min(*limit, found->size()); ++i)
        rows.push_back(view_of((*found)[i].row));
    boost::json::value next;
    if (found->size() > *limit) next = (*found)[*limit - 1].place;
    co_return call::json(200, {{"activity", std::move(rows)}, {"next", std::move(next)}});
}

} // namespace countersign::net::service
