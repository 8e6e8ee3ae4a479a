#include "notify/smtp_connection.hpp"

#include "notify/smtp_failure.hpp"
#include "notify/smtp_reply.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <poll.h>

namespace countersign::notify {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds glance{200}; // how often a wait looks whether the program ends
constexpr milliseconds quit_patience{1'000};
constexpr milliseconds unasked_patience{1'000}; // for the rest of what has begun to arrive

constexpr std::string_view lost = "the connection was lost";
constexpr std::string_view late = "no reply in time";
constexpr std::string_view nonsense = "the reply is not SMTP";
constexpr std::string_view out_of_turn = "the relay spoke before it was asked";

void initialise_libcurl_once() {
    static const CURLcode outcome = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    if (outcome != CURLE_OK) {
        throw std::runtime_error("libcurl cannot be initialised");
    }
}

// What libcurl tells while it opens a connection.
struct dialogue {
    const smtp_options& options;
    smtp_stage stage = smtp_stage::connect;
    std::string reply; // the last line of the answer to the last command
    smtp_patience& patience;
    steady::time_point deadline;
    std::array<char, CURL_ERROR_SIZE> problem{};
};

void tell(const smtp_options& options, std::string_view who, std::string_view line) {
    if (!options.transcript) {
        return;
    }
    while (line.ends_with('\n') || line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    options.transcript(std::string(who).append(line));
}

// AUTH has the password in it or behind it, and what begins no stage belongs to AUTH.
std::string_view without_credentials(std::string_view command) {
    smtp_stage stage{};
    if (!begin_stage(command, stage)) {
        return "***";
    }
    return stage == smtp_stage::authenticate ? "AUTH ***" : command;
}

// Replies reach libcurl's caller as headers. A lost connection must not look like the reply before
// it, so the line is kept here and cleared with every command.
std::size_t take_reply(char* text, std::size_t size, std::size_t count, void* context) {
    auto& now = *static_cast<dialogue*>(context);
    now.reply.assign(text, std::min<std::size_t>(size * count, smtp_reply_text_max));
    tell(now.options, "< ", now.reply);
    return size * count;
}

// Only the verb is looked at: AUTH lines carry the password.
int watch(CURL* /*handle*/, curl_infotype type, char* text, std::size_t size, void* context) {
    auto& now = *static_cast<dialogue*>(context);
    if (type == CURLINFO_HEADER_OUT) {
        const std::string_view command(text, size);
        begin_stage(command, now.stage);
        now.reply.clear();
        tell(now.options, "> ", without_credentials(command));
    }
    return 0;
}

// Called at least once a second, since libcurl knows nothing of stopping; not 0 ends it.
int look_at_the_clock(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& now = *static_cast<dialogue*>(context);
    return steady::now() >= now.patience.limit(now.deadline) ? 1 : 0;
}

std::size_t discard(char* /*text*/, std::size_t size, std::size_t count, void* /*context*/) {
    return size * count;
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

void prepare(CURL* handle, const smtp_options& options, dialogue& now) {
    const auto set = [handle](CURLoption option, auto value) {
        if (::curl_easy_setopt(handle, option, value) != CURLE_OK) {
            throw std::runtime_error("libcurl refuses option " + std::to_string(option));
        }
    };
    const mail_url& url = *options.url;
    const auto deadline = static_cast<long>(options.deadlines.connect.count());
    set(CURLOPT_URL, url_for_curl(options).c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECT_ONLY, 1L); // up to and with AUTH
    set(CURLOPT_CONNECTTIMEOUT_MS, deadline);
    set(CURLOPT_TIMEOUT_MS, deadline);
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, deadline / 1000 + 1);
    set(CURLOPT_USE_SSL, static_cast<long>(url.is_loopback() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)); // or newer
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options.ca_file.empty()) {
        set(CURLOPT_CAINFO, options.ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!url.user.empty()) {
        set(CURLOPT_USERNAME, url.user.c_str());
        set(CURLOPT_PASSWORD, url.password.reveal().c_str());
    }
    set(CURLOPT_HEADERFUNCTION, take_reply);
    set(CURLOPT_HEADERDATA, &now);
    set(CURLOPT_WRITEFUNCTION, discard);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, look_at_the_clock);
    set(CURLOPT_XFERINFODATA, &now);
    set(CURLOPT_ERRORBUFFER, now.problem.data());
    set(CURLOPT_VERBOSE, 1L); // for `watch`, which takes the place of libcurl's own output
    set(CURLOPT_DEBUGFUNCTION, watch);
    set(CURLOPT_DEBUGDATA, &now);
}

// The handle outlives the dialogue, and closing the connection would still report to it.
void forget_dialogue(CURL* handle) {
    ::curl_easy_setopt(handle, CURLOPT_VERBOSE, 0L);
    ::curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 1L);
    ::curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, discard);
    ::curl_easy_setopt(handle, CURLOPT_HEADERDATA, nullptr);
    ::curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
}

delivery_failure failure_of(CURLcode outcome, const dialogue& now) {
    const auto stage = is_tls_failure(outcome) ? smtp_stage::start_tls : now.stage;
    const bool refused = !now.reply.empty() && now.reply.front() >= '4';
    const std::string_view said = now.problem.data();
    std::string_view problem = said.empty() ? ::curl_easy_strerror(outcome) : said;
    if (outcome == CURLE_USE_SSL_FAILED && !refused) {
        problem = "the relay does not offer STARTTLS, without which no mail leaves this machine";
    } else if (outcome == CURLE_ABORTED_BY_CALLBACK) {
        problem = late;
    }
    return {failure_kind::relay, failure_reason(stage, refused ? now.reply : "", problem)};
}

} // namespace

smtp_patience::time_point smtp_patience::limit(time_point deadline) {
    if (!ends_ && stop_.stop_requested()) {
        ends_ = steady::now() + stopping_;
    }
    return ends_ ? std::min(*ends_, deadline) : deadline;
}

struct smtp_connection::impl {
    impl(const smtp_options& given_options, smtp_patience& given)
        : options(given_options), patience(given) {
        initialise_libcurl_once();
        handle = ::curl_easy_init();
        if (handle == nullptr) {
            throw std::runtime_error("libcurl gives no handle");
        }
    }
    // With CONNECT_ONLY libcurl closes without a QUIT, and so without waiting for its reply.
    ~impl() { ::curl_easy_cleanup(handle); }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    // True once the socket may be ready, or it is time to look again; false when it is too late.
    [[nodiscard]] bool wait(short events, steady::time_point deadline) const {
        const auto left = std::chrono::ceil<milliseconds>(patience.limit(deadline) - steady::now());
        if (left.count() <= 0) {
            return false;
        }
        pollfd watched{.fd = socket, .events = events, .revents = 0};
        ::poll(&watched, 1, static_cast<int>(std::min(left, glance).count()));
        return true;
    }

    // Appends to `unread` what has arrived. False: the connection is over.
    [[nodiscard]] bool receive() {
        std::array<char, 4096> buffer{};
        std::size_t length = 0;
        const CURLcode outcome = ::curl_easy_recv(handle, buffer.data(), buffer.size(), &length);
        unread.append(buffer.data(), length);
        return outcome == CURLE_AGAIN || (outcome == CURLE_OK && length > 0);
    }

    [[nodiscard]] smtp_answer read_reply(steady::time_point deadline) {
        smtp_reply_reader reader;
        for (;;) {
            switch (reader.take(unread)) {
            case smtp_reply_reader::progress::complete:
                usable = reader.reply().code != 421;
                tell(options, "< ", reader.reply().text);
                return {reader.reply().code, reader.reply().text, {}};
            case smtp_reply_reader::progress::malformed:
                return give_up(nonsense);
            case smtp_reply_reader::progress::incomplete:
                break;
            }
            if (!wait(POLLIN, deadline)) {
                return give_up(late);
            }
            if (!receive() && unread.empty()) {
                return give_up(lost);
            }
        }
    }

    // What the relay said unasked: a refusal, or a problem, or nothing (code 0, no problem).
    [[nodiscard]] smtp_answer read_unasked() {
        const bool open = receive();
        if (unread.empty()) {
            return open ? smtp_answer{} : give_up(lost);
        }
        auto answer = read_reply(steady::now() + unasked_patience);
        if (answer.code < 400) {
            return give_up(out_of_turn);
        }
        usable = false;
        answer.problem = out_of_turn;
        return answer;
    }

    smtp_answer give_up(std::string_view problem) {
        usable = false;
        tell(options, "! ", problem);
        return {.problem = problem};
    }

    [[nodiscard]] smtp_answer send(std::string_view bytes, steady::time_point deadline) {
        while (!bytes.empty()) {
            std::size_t sent = 0;
            const CURLcode outcome = ::curl_easy_send(handle, bytes.data(), bytes.size(), &sent);
            bytes.remove_prefix(sent);
            if (outcome != CURLE_OK && outcome != CURLE_AGAIN) {
                auto said = read_unasked(); // a relay may say why before it closes
                return said.code != 0 ? said : give_up(lost);
            }
            if (sent == 0 && !wait(POLLOUT, deadline)) {
                return give_up(late);
            }
        }
        return {};
    }

    const smtp_options& options;
    smtp_patience& patience;
    CURL* handle = nullptr;
    curl_socket_t socket = CURL_SOCKET_BAD;
    std::string unread;
    bool usable = true;
};

smtp_connection::smtp_connection(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}

boost::system::result<std::unique_ptr<smtp_connection>, delivery_failure>
smtp_connection::open(const smtp_options& options, smtp_patience& patience) {
    auto opened = std::make_unique<impl>(options, patience);
    dialogue now{.options = options,
                 .patience = patience,
                 .deadline = steady::now() + options.deadlines.connect};
    prepare(opened->handle, options, now);
    const CURLcode outcome = ::curl_easy_perform(opened->handle);
    forget_dialogue(opened->handle);
    if (outcome != CURLE_OK) {
        return failure_of(outcome, now);
    }
    ::curl_easy_getinfo(opened->handle, CURLINFO_ACTIVESOCKET, &opened->socket);
    if (opened->socket == CURL_SOCKET_BAD) {
        return delivery_failure{failure_kind::relay, failure_reason(now.stage, "", lost)};
    }
    // Where the relay offers no AUTH at all, libcurl goes on without.
    if (!options.url->user.empty() && now.stage != smtp_stage::authenticate) {
        return delivery_failure{
            failure_kind::relay,
            failure_reason(smtp_stage::authenticate, "",
                           "mail.url has a user, but the relay offers no AUTH")};
    }
    return std::unique_ptr<smtp_connection>(new smtp_connection(std::move(opened)));
}

smtp_connection::~smtp_connection() {
    if (impl_->usable) {
        static_cast<void>(ask("QUIT", quit_patience));
    }
}

smtp_answer smtp_connection::ask(std::string_view line, std::chrono::milliseconds patience) {
    const auto deadline = steady::now() + patience;
    auto before = impl_->read_unasked();
    if (before.problem.empty()) {
        tell(impl_->options, "> ", line);
        before = impl_->send(std::string(line) + "\r\n", deadline);
    }
    if (before.problem.empty()) {
        return impl_->read_reply(deadline);
    }
    // Only that it closes can be said before the question.
    return before.code == 421 ? before : smtp_answer{.problem = before.problem};
}

smtp_answer smtp_connection::send(std::string_view bytes, std::chrono::milliseconds patience) {
    tell(impl_->options, "> ", "(" + std::to_string(bytes.size()) + " bytes)");
    auto sent = impl_->send(bytes, steady::now() + patience);
    return sent.problem.empty() ? impl_->read_unasked() : sent;
}

} // namespace countersign::notify
