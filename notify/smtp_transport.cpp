#include "notify/smtp_transport.hpp"

#include "notify/mime.hpp"
#include "notify/smtp_failure.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace countersign::notify {
namespace {

constexpr long kept_connection_age_seconds =
    50; // relays close idle connections after a minute or more

void initialise_libcurl_once() {
    static const CURLcode outcome = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    if (outcome != CURLE_OK) {
        throw std::runtime_error("libcurl cannot be initialised");
    }
}

// What libcurl tells while it submits one mail.
struct dialogue {
    std::string_view unsent; // of the message
    smtp_stage stage = smtp_stage::connect;
    std::string reply;     // the last line of the answer to the last command
    bool quitting = false; // QUIT went out: its reply is of no interest
};

std::size_t give_message(char* buffer, std::size_t size, std::size_t count, void* context) {
    auto& unsent = static_cast<dialogue*>(context)->unsent;
    const std::size_t length = std::min(size * count, unsent.size());
    std::memcpy(buffer, unsent.data(), length);
    unsent.remove_prefix(length);
    return length;
}

// Replies reach libcurl's caller as headers. A lost connection must not look like the reply before
// it, so the code is kept here and cleared with every command.
std::size_t take_reply(char* text, std::size_t size, std::size_t count, void* context) {
    auto& now = *static_cast<dialogue*>(context);
    if (!now.quitting) {
        now.reply.assign(text, std::min<std::size_t>(size * count, 512));
    }
    return size * count;
}

// Only the verb is looked at: AUTH lines carry the password.
int watch(CURL* /*handle*/, curl_infotype type, char* text, std::size_t size, void* context) {
    auto& now = *static_cast<dialogue*>(context);
    if (type == CURLINFO_HEADER_OUT) {
        const std::string_view command(text, size);
        now.quitting = command.starts_with("QUIT");
        if (now.quitting) {
            return 0;
        }
        begin_stage(command, now.stage);
        now.reply.clear();
    } else if (type == CURLINFO_DATA_OUT && now.stage == smtp_stage::data) {
        now.reply.clear(); // the 354: what counts is the answer to the message
    }
    return 0;
}

std::size_t discard(char* /*text*/, std::size_t size, std::size_t count, void* /*context*/) {
    return size * count;
}

int reply_code(std::string_view reply) {
    const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
    if (reply.size() < 3 || !std::all_of(reply.begin(), reply.begin() + 3, is_digit)) {
        return 0;
    }
    return (reply[0] - '0') * 100 + (reply[1] - '0') * 10 + (reply[2] - '0');
}

bool is_tls_failure(CURLcode outcome) {
    return outcome == CURLE_USE_SSL_FAILED || outcome == CURLE_SSL_CONNECT_ERROR ||
           outcome == CURLE_PEER_FAILED_VERIFICATION || outcome == CURLE_SSL_CACERT_BADFILE ||
           outcome == CURLE_SSL_ISSUER_ERROR;
}

std::string url_for_curl(const smtp_options& options) {
    const mail_url& url = *options.url;
    const bool bracketed = url.host.find(':') != std::string::npos;
    std::string out = url.implicit_tls ? "smtps://" : "smtp://";
    out += bracketed ? "[" + url.host + "]" : url.host;
    out += ":" + std::to_string(url.port);
    return options.hello_name.empty() ? out : out + "/" + options.hello_name;
}

} // namespace

struct smtp_transport::impl {
    explicit impl(smtp_options given) : options(std::move(given)) {
        initialise_libcurl_once();
        handle = ::curl_easy_init();
        if (handle == nullptr) {
            throw std::runtime_error("libcurl gives no handle");
        }
    }
    ~impl() { ::curl_easy_cleanup(handle); }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    void prepare(const mail& mail, dialogue& now, curl_slist* recipients);

    smtp_options options;
    CURL* handle = nullptr;
};

void smtp_transport::impl::prepare(const mail& mail, dialogue& now, curl_slist* recipients) {
    const auto set = [this](CURLoption option, auto value) {
        if (::curl_easy_setopt(handle, option, value) != CURLE_OK) {
            throw std::runtime_error("libcurl refuses option " + std::to_string(option));
        }
    };
    const mail_url& url = *options.url;
    ::curl_easy_reset(handle); // keeps the connection
    set(CURLOPT_URL, url_for_curl(options).c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout.count()));
    set(CURLOPT_MAXAGE_CONN, kept_connection_age_seconds);
    set(CURLOPT_USE_SSL, static_cast<long>(url.is_loopback() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options.certificate_authority.empty()) {
        set(CURLOPT_CAINFO, options.certificate_authority.c_str());
    }
    if (!url.user.empty()) {
        set(CURLOPT_USERNAME, url.user.c_str());
        set(CURLOPT_PASSWORD, url.password.reveal().c_str());
    }
    set(CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
    set(CURLOPT_MAIL_RCPT, recipients);
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.mime.size()));
    set(CURLOPT_READFUNCTION, give_message);
    set(CURLOPT_READDATA, &now);
    set(CURLOPT_HEADERFUNCTION, take_reply);
    set(CURLOPT_HEADERDATA, &now);
    set(CURLOPT_WRITEFUNCTION, discard);
    set(CURLOPT_VERBOSE, 1L); // for `watch`, which takes the place of libcurl's own output
    set(CURLOPT_DEBUGFUNCTION, watch);
    set(CURLOPT_DEBUGDATA, &now);
}

smtp_transport::smtp_transport(smtp_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {}
smtp_transport::~smtp_transport() = default;

boost::system::result<void, delivery_failure> smtp_transport::submit(const mail& mail) {
    if (!is_safe_address(mail.from) || !is_safe_address(mail.to)) {
        return delivery_failure{failure_kind::permanent_recipient, "unsafe address"};
    }
    dialogue now;
    now.unsent = mail.mime;
    const std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)> recipients(
        ::curl_slist_append(nullptr, ("<" + mail.to + ">").c_str()), &::curl_slist_free_all);
    impl_->prepare(mail, now, recipients.get());
    const CURLcode outcome = ::curl_easy_perform(impl_->handle);
    // The handle outlives `now`; closing the connection later would still report to it.
    ::curl_easy_setopt(impl_->handle, CURLOPT_VERBOSE, 0L);
    ::curl_easy_setopt(impl_->handle, CURLOPT_HEADERFUNCTION, discard);
    if (outcome == CURLE_OK) {
        return {};
    }
    if (is_tls_failure(outcome)) {
        now.stage = smtp_stage::start_tls;
    }
    return delivery_failure{classify(now.stage, reply_code(now.reply)),
                            failure_reason(now.stage, now.reply, ::curl_easy_strerror(outcome))};
}

} // namespace countersign::notify
