#include "app/dev_mail_pages.hpp"

#include "app/mail_pipeline.hpp"
#include "notify/dev_mailbox.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::app {

namespace {

constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view plain = "text/plain; charset=utf-8";

// Mails are somebody else's text: nothing runs, and nothing is loaded but the mail into its frame.
constexpr std::string_view page_policy =
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";
// The mail's own HTML has no origin, wherever it is opened.
constexpr std::string_view mail_policy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

net::reply shown(std::optional<std::string> body, std::string_view content_type,
                 std::string_view policy = page_policy) {
    if (!body) return {.status = 404, .body = "There is no such mail.\n", .content_type = plain};
    net::reply out{.body = std::move(*body), .content_type = content_type};
    out.headers.emplace_back("Content-Security-Policy", policy);
    out.headers.emplace_back("Referrer-Policy", "no-referrer");
    return out;
}

// What proxies add (RFC 7239, RFC 9110 section 7.6.3, and what is customary).
constexpr std::array<std::string_view, 7> proxy_fields{
    "forwarded",         "via",       "x-forwarded-for", "x-forwarded-host",
    "x-forwarded-proto", "x-real-ip", "x-forwarded"};

// RFC 9110 section 7.2: a name or an address, and perhaps a port.
bool is_loopback_host(std::string_view host) {
    if (host.starts_with('[')) {
        const auto end = host.find(']');
        host = host.substr(1, end == std::string_view::npos ? end : end - 1);
    } else {
        host = host.substr(0, host.find(':'));
    }
    if (net::equal_ignoring_case(host, "localhost")) return true;
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host, error);
    return !error && address.is_loopback();
}

bool is_of_this_machine(const net::request& asked) {
    const auto came_with = [&asked](std::string_view name) {
        return asked.header(name).has_value();
    };
    return std::ranges::none_of(proxy_fields, came_with) &&
           is_loopback_host(asked.header("host").value_or(""));
}

net::page local(net::page made) {
    made.show = [show = std::move(made.show)](const net::request& asked) {
        if (is_of_this_machine(asked)) return show(asked);
        return net::reply{.status = 403,
                          .body = "Mails are shown on this machine only, without a proxy: set "
                                  "mail.url to have them sent.\n",
                          .content_type = plain};
    };
    return made;
}

} // namespace

std::vector<net::page> dev_mail_pages(const settings& all) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(all.listen.address, error);
    if (all.mail.url || error || !address.is_loopback()) return {};

    using enum boost::beast::http::verb;
    const auto mailbox = std::make_shared<const notify::dev_mailbox>(mailbox_directory(all));
    std::vector<net::page> pages{
        {{get, "/dev/mail"},
         [mailbox](const net::request&) { return shown(mailbox->index_html(), html); }},
        {{get, "/dev/mail.json"},
         [mailbox](const net::request&) {
             return shown(mailbox->index_json(), "application/json");
         }},
        {{get, "/dev/mail/{name}"},
         [mailbox](const net::request& asked) {
             return shown(mailbox->message_page(asked.path_parameters().front()), html);
         }},
        {{get, "/dev/mail/{name}/html"},
         [mailbox](const net::request& asked) {
             return shown(mailbox->message_html(asked.path_parameters().front()), html,
                          mail_policy);
         }},
        {{get, "/dev/mail/{name}/text"},
         [mailbox](const net::request& asked) {
             return shown(mailbox->message_text(asked.path_parameters().front()), plain);
         }},
        {{get, "/dev/mail/{name}/source"},
         [mailbox](const net::request& asked) {
             return shown(mailbox->message_source(asked.path_parameters().front()), plain);
         }},
    };
    std::ranges::transform(pages, pages.begin(), local);
    return pages;
}

} // namespace countersign::app
