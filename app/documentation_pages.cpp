#include "app/documentation_pages.hpp"

#include "app/viewer_files.hpp"
#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "core/text.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace countersign::app {

namespace {

enum class coding { identity, gzip };

// What does not change while the program runs.
struct document {
    std::string text;
    std::string_view content_type; // of static storage
    coding stored = coding::identity;
    std::string tag; // RFC 9110 section 8.8.3
};

// Scripts, styles and data of this server only. The viewer sets styles by script, which this does
// not forbid, and draws its symbols from data: addresses.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// An entity tag: it need not be secret, only change when the text does.
std::string tag_of(std::string_view text) {
    const auto digest = core::hmac_sha256(core::bytes_of("entity-tag"), core::bytes_of(text));
    return '"' + core::to_hex(std::span(digest).first(16)) + '"';
}

// RFC 9110 section 12.5.3, as far as one coding needs it: named, or "*", and not with weight 0.
bool takes_gzip(std::string_view accepted) {
    bool any = false;
    while (!accepted.empty()) {
        const auto comma = accepted.find(',');
        auto item = core::to_lower_ascii(std::string(accepted.substr(0, comma)));
        accepted.remove_prefix(comma == std::string_view::npos ? accepted.size() : comma + 1);
        std::erase_if(item, [](char character) { return character == ' ' || character == '\t'; });
        const auto name = item.substr(0, item.find(';'));
        const auto weight = item.substr(name.size());
        const bool taken =
            !weight.starts_with(";q=0") || weight.find_first_not_of("0.", 3) != std::string::npos;
        if (name == "gzip") return taken;
        if (name == "*") any = taken;
    }
    return any;
}

bool unchanged(const net::request& asked, const std::string& tag) {
    const auto known = asked.header("if-none-match");
    return known && (*known == "*" || known->find(tag) != std::string_view::npos);
}

net::reply show(const document& shown, const net::request& asked) {
    net::reply out{.content_type = shown.content_type};
    out.headers.emplace_back("Content-Security-Policy", policy);
    out.headers.emplace_back("Referrer-Policy", "no-referrer");
    out.headers.emplace_back("Cache-Control", "no-cache");
    out.headers.emplace_back("ETag", shown.tag);
    if (shown.stored == coding::gzip) out.headers.emplace_back("Vary", "Accept-Encoding");
    if (unchanged(asked, shown.tag)) {
        out.status = 304;
        return out;
    }
    if (shown.stored == coding::gzip) {
        if (!takes_gzip(asked.header("accept-encoding").value_or(""))) {
            out.status = 406;
            out.content_type = "text/plain; charset=utf-8";
            out.body = "This file is kept compressed: send Accept-Encoding: gzip.\n";
            return out;
        }
        out.headers.emplace_back("Content-Encoding", "gzip");
    }
    out.body = shown.text;
    return out;
}

net::page page_of(std::string_view path, std::string text, std::string_view content_type,
                  coding stored = coding::identity) {
    auto tag = tag_of(text);
    const auto kept = std::make_shared<const document>(
        document{std::move(text), content_type, stored, std::move(tag)});
    return {{boost::beast::http::verb::get, path},
            [kept](const net::request& asked) { return show(*kept, asked); }};
}

} // namespace

std::vector<net::page> documentation_pages(std::string openapi) {
    constexpr std::string_view script = "text/javascript; charset=utf-8";
    return {
        page_of("/openapi.json", std::move(openapi), "application/json"),
        page_of("/docs", std::string(viewer::index_html()), "text/html; charset=utf-8"),
        page_of("/docs/start.js", std::string(viewer::start_js()), script),
        page_of("/docs/swagger-ui-bundle.js", std::string(viewer::bundle_js()), script,
                coding::gzip),
        page_of("/docs/swagger-ui.css", std::string(viewer::style_css()), "text/css; charset=utf-8",
                coding::gzip),
        page_of("/docs/licenses.txt", std::string(viewer::licenses_txt()),
                "text/plain; charset=utf-8"),
    };
}

} // namespace countersign::app
