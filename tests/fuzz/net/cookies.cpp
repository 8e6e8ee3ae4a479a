// Cookies: a value that we set is one field with our attributes, or cannot be sent; and what a
// client sends is found by its own name. The input's records: a name, a value, a Cookie field.
#include "net/cookies.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <string>

namespace countersign::fuzz {
namespace {

void set(std::string_view name, std::string_view value) {
    net::reply out;
    out.headers.emplace_back(
        "Set-Cookie",
        net::to_header({.name = name, .value = value, .life = core::seconds(60), .secure = true}));
    out.headers.emplace_back("X-After", "1");
    std::string bytes;
    if (!net::serialise(out, {.date = "Thu, 01 Jan 1970 00:00:00 GMT"}, bytes)) {
        require(bytes.empty(), "what cannot be sent leaves nothing behind");
        return;
    }
    std::string_view rest(bytes);
    const auto end = rest.find("\r\n\r\n");
    require(end != std::string_view::npos && rest.size() == end + 4, "a reply has one end");
    require(std::ranges::count(rest, '\n') == std::ranges::count(rest, '\r'), "lines end in CRLF");
    const auto expected = "\r\nSet-Cookie: " + std::string(name) + "=" + std::string(value) +
                          "; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure\r\nX-After: 1";
    require(rest.substr(0, end).ends_with(expected), "a cookie is one field");
}

void presented(std::string_view name, std::string_view value, std::string_view field) {
    net::request request;
    const auto own = std::string(name) + "=" + std::string(value);
    request.fields.push_back({boost::beast::http::field::cookie, "Cookie", field});
    const auto found = request.cookie(name);
    if (found)
        require(found->data() >= field.data() &&
                    found->data() + found->size() <= field.data() + field.size() &&
                    found->find(';') == std::string_view::npos,
                "a cookie's value stands in the field");

    const bool plain =
        (std::string(name) + std::string(value)).find_first_of(" \t;=\"") == std::string::npos;
    if (!plain || name.empty() || field.find('=') != std::string_view::npos) return;
    const auto joined = std::string(field) + "; " + own;
    request.fields.front().value = joined;
    require(request.cookie(name) == value, "a cookie is found by its name");
}

void cookies(std::string_view input) {
    records in(input);
    const auto name = in.next(), value = in.next(), field = in.next();
    set(name, value);
    presented(name, value, field);
}

const registration here("cookies", cookies);

} // namespace
} // namespace countersign::fuzz
