#include "net/families/service/call.hpp"

#include "net/client_address.hpp"
#include "net/evidence.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace countersign::net::service {

namespace {

std::string read_ip(json_body& body) {
    const auto text = body.optional_text("ip");
    if (!text) return {};
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(*text, error);
    if (error) body.reject("ip", "'ip' must be an IPv4 or IPv6 address.");
    return error ? std::string() : to_text(address);
}

} // namespace

call::call(services& services, const request& request, key_cache::key key)
    : services_(services), request_(request), key_(std::move(key)) {}

awaitable<outcome<std::optional<store::loaded_account>>> call::find() {
    auto found = co_await services_.accounts.load(account());
    if (found.has_error()) co_return from_store(found.error());
    if (found->has_value() && !core::is_subject((*found)->value, subject())) found->reset();
    co_return *std::move(found);
}

awaitable<outcome<core::account>> call::load() {
    auto found = co_await find();
    if (found.has_error()) co_return found.error();
    if (!found->has_value()) co_return error(error_code::subject_not_found);
    co_return std::move((*found)->value);
}

core::request_origin call::origin(json_body& body, locale_place where) const {
    core::client_info client{.ip = read_ip(body)};
    if (const auto text = body.optional_text("userAgent")) client.browser = device_text(*text);

    auto locale = requested_locale(request_);
    if (!locale) body.reject("locale", "'locale' must be a language tag such as de or pt-BR.");
    if (where == locale_place::body_or_query)
        if (const auto text = body.optional_text("locale")) {
            const auto tag = core::locale_tag::parse(*text);
            if (!tag) body.reject("locale", "'locale' must be a language tag such as de or pt-BR.");
            if (tag) locale = tag->value();
        }
    auto made =
        core::make_origin(std::move(client), locale.value_or(std::string()), services_.random);
    made.by = "service:" + key().id;
    return made;
}

reply call::json(unsigned status, const boost::json::object& body) {
    return {.status = status, .body = boost::json::serialize(body)};
}

std::optional<std::string> read_device_text(json_body& body, std::string_view name) {
    auto text = body.optional_text(name);
    if (text && !core::is_valid_display_name(*text))
        body.reject(name, "'" + std::string(name) +
                              "' must be 1 to 100 characters without control characters.");
    return text;
}

backup_codes new_backup_codes(call& call) {
    const auto length = call.with().context.rules.service_backup_code_length;
    return make_hexadecimal_backup_codes(call.with(), call.account(),
                                         static_cast<std::size_t>(length));
}

reply reply_with_backup_codes(unsigned status, bool new_codes,
                              const std::vector<std::string>& codes) {
    boost::json::array told;
    if (new_codes)
        for (const auto& one : codes)
            told.emplace_back(std::string_view(one));
    return call::json(status, {{"backupCodes", std::move(told)}});
}

} // namespace countersign::net::service
