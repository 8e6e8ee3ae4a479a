#include "net/families/clara/handlers.hpp"
#include "net/families/clara/view.hpp"

#include "core/decide/erasure.hpp"
#include "core/decide/profile.hpp"
#include "store/account_directory.hpp"
#include "store/account_lifecycle.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace countersign::net::clara {

namespace {

constexpr std::size_t page_limit = 10; // without ?limit=

// A number of the query from `min` to `max`, `otherwise` if there is none; nullopt: it is another.
std::optional<std::size_t> number_in(const request& request, std::string_view name,
                                     std::size_t otherwise, std::size_t min, std::size_t max) {
    const auto text = request.query_parameter(name);
    if (!text) return otherwise;
    std::size_t number = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (problem != std::errc() || end != text->data() + text->size()) return std::nullopt;
    if (number < min || number > max) return std::nullopt;
    return number;
}

std::optional<store::account_page> page_of(const request& request) {
    const auto limit = number_in(request, "limit", page_limit, 1, store::account_page_limit_max);
    const auto offset = number_in(request, "offset", 0, 0, store::listed_accounts_max);
    if (!limit || !offset || *offset + *limit > store::listed_accounts_max) return std::nullopt;
    return store::account_page{.offset = *offset, .limit = *limit};
}

// Nullopt: a member that is not to be changed here, or of the wrong type. The peer refuses unknown
// members as well.
std::optional<core::update_profile> read_changes(const boost::json::object& body) {
    core::update_profile changes;
    for (const auto& [name, value] : body) {
        if (name == "first_name" && value.is_string())
            changes.given_name = text_in(body, name);
        else if (name == "last_name" && value.is_string())
            changes.family_name = text_in(body, name);
        else if (name == "is_dark_mode" && value.is_bool())
            changes.dark_mode = flag_in(body, name);
        else
            return std::nullopt;
    }
    return changes;
}

// Whether the name would be one that can be shown and greeted by.
bool is_name_valid(const core::account& account, const core::update_profile& changes) {
    if (!changes.given_name && !changes.family_name) return true;
    auto name = core::name_of(account);
    if (changes.given_name) name.given = *changes.given_name;
    if (changes.family_name) name.family = *changes.family_name;
    core::account named;
    core::set_name(named, name);
    return core::is_valid_display_name(named.name) &&
           (!changes.given_name || !name.given.empty()) &&
           (!changes.family_name || !name.family.empty());
}

} // namespace

handled list_users(call& call) {
    const auto page = page_of(call.message());
    if (!page) co_return render(error(error_code::invalid_schema));
    const auto listed =
        co_await store::list_accounts(call.with().redis, call.with().accounts, *page);
    if (listed.has_error()) co_return render(from_store(listed.error()));
    boost::json::array users;
    for (const auto& account : *listed)
        users.push_back(user(account));
    co_return success(200, "Users fetched successfully.", std::move(users));
}

handled read_user(call& call) {
    const auto found = co_await call.user_by_id();
    if (found.has_error()) co_return render(found.error());
    co_return success(200, "User fetched successfully.", user(*found));
}

handled update_user(call& call) {
    const auto found = co_await call.user_by_id();
    if (found.has_error()) co_return render(found.error());
    const auto body = read_body(call.message());
    if (body.has_error()) co_return render(body.error());
    auto changes = read_changes(*body);
    if (!changes || !is_name_valid(*found, *changes))
        co_return render(error(error_code::invalid_schema));

    changes->by = call.requester();
    const auto done = co_await call.decide(found->id, *std::move(changes));
    if (done.has_error()) co_return render(done.error());
    co_return success(200, "User updated successfully.", user(*done->account));
}

handled delete_user(call& call) {
    auto found = co_await call.loaded_by_id();
    if (found.has_error()) co_return render(found.error());
    auto events =
        core::events_of_erasure(found->value, call.origin(), call.with().context, call.now());
    const auto erased = co_await store::erase_account(call.with().emails, call.with().accounts,
                                                      *std::move(found), std::move(events));
    if (erased.has_error()) co_return render(from_store(erased.error()));
    // The account changed in between: the caller looks again before erasing what it did not see.
    if (!*erased) co_return render(from_store(store::store_error::contention));
    co_return reply{.status = 204};
}

} // namespace countersign::net::clara
