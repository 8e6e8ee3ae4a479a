#include "net/families/clara/view.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <utility>

namespace countersign::net::clara {

namespace {

boost::json::value or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::value(text);
}

std::string date(core::unix_time time) {
    return http_date(std::chrono::floor<core::seconds>(time));
}

} // namespace

reply envelope(unsigned status, std::string_view kind, std::string_view message,
               boost::json::value data) {
    boost::json::object body;
    body["data"] = std::move(data);
    body["message"] = message;
    body["status"] = kind;
    return {.status = status, .body = boost::json::serialize(body)};
}

reply success(unsigned status, std::string_view message, boost::json::value data) {
    return envelope(status, "success", message, std::move(data));
}

boost::json::object user(const core::account& account) {
    const auto name = core::name_of(account);
    boost::json::object body;
    body["id"] = account.id.value();
    body["email"] = account.email;
    body["first_name"] = or_null(name.given);
    body["last_name"] = or_null(name.family);
    body["credits"] = 0;
    body["is_2fa_enabled"] = account.has_second_factor();
    body["is_active"] = is_active(account);
    body["is_dark_mode"] = account.dark_mode;
    body["created_at"] = date(account.created_at);
    body["updated_at"] = date(account.last_active);
    return body;
}

bool is_active(const core::account& account) noexcept {
    return account.email_verified;
}

bool is_active_with_names(const core::account& account) {
    const auto name = core::name_of(account);
    return is_active(account) && !name.given.empty() && !name.family.empty();
}

} // namespace countersign::net::clara
