#include "app/dev_mail_pages.hpp"

#include "app/mail_pipeline.hpp"
#include "notify/dev_mailbox.hpp"

#include <boost/asio/ip/address.hpp>

#include <memory>
#include <optional>
#include <string>
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

} // namespace

std::vector<net::page> dev_mail_pages(const settings& all) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(all.listen.address, error);
    if (all.mail.url || error || !address.is_loopback()) return {};

    using enum boost::beast::http::verb;
    const auto mailbox = std::make_shared<const notify::dev_mailbox>(mailbox_directory(all));
    return {
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
}

} // namespace countersign::app
