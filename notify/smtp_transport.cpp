#include "notify/smtp_transport.hpp"

#include "core/crypto/secret.hpp"
#include "notify/mime.hpp"
#include "notify/smtp_connection.hpp"
#include "notify/smtp_failure.hpp"
#include "notify/smtp_message.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace countersign::notify {
namespace {

using steady = std::chrono::steady_clock;
using outcome = boost::system::result<void, delivery_failure>;

// Relays close idle connections after a minute or more.
constexpr std::chrono::seconds kept_connection_age{50};

// The envelope is ASCII: SMTPUTF8 is not spoken.
bool is_envelope_address(std::string_view address) {
    return is_safe_address(address) && std::ranges::all_of(address, [](char letter) {
               return static_cast<unsigned char>(letter) < 0x80;
           });
}

delivery_failure failure_of(smtp_stage stage, const smtp_answer& answer) {
    const std::string_view problem =
        answer.problem.empty() ? "not the reply that was due" : answer.problem;
    return {.kind = classify(stage, answer.code),
            .reason = failure_reason(stage, answer.code >= 400 ? answer.text : "", problem),
            .relay_accepted_sender = stage > smtp_stage::sender};
}

} // namespace

struct smtp_transport::impl {
    explicit impl(smtp_options given)
        : options(std::move(given)), patience(options.stop, options.deadlines.stopping) {}

    outcome begin(const mail& mail);
    outcome hand_in(const mail& mail);

    smtp_options options;
    smtp_patience patience;
    std::unique_ptr<smtp_connection> connection;
    steady::time_point last_used{};
};

// A connection on which MAIL was accepted. A kept one may have been closed, or had enough of us:
// whatever is wrong with it, the mail begins again on a new one.
outcome smtp_transport::impl::begin(const mail& mail) {
    const std::string command = "MAIL FROM:<" + mail.from + ">";
    if (connection && steady::now() - last_used < kept_connection_age &&
        connection->ask(command, options.deadlines.command).is_positive()) {
        return {};
    }
    connection.reset();
    auto opened = smtp_connection::open(options, patience);
    if (!opened) {
        return opened.error();
    }
    connection = std::move(opened).unsafe_value();
    const auto answer = connection->ask(command, options.deadlines.command);
    if (!answer.is_positive()) {
        return failure_of(smtp_stage::sender, answer);
    }
    return {};
}

outcome smtp_transport::impl::hand_in(const mail& mail) {
    const smtp_deadlines& deadlines = options.deadlines;
    if (auto begun = begin(mail); !begun) {
        return begun;
    }
    const auto recipient = connection->ask("RCPT TO:<" + mail.to + ">", deadlines.command);
    if (!recipient.is_positive()) {
        return failure_of(smtp_stage::recipient, recipient);
    }
    const auto data = connection->ask("DATA", deadlines.data);
    if (data.code != 354) {
        return failure_of(smtp_stage::data, data);
    }
    std::string message = dot_stuffed(mail.mime); // may hold a code
    const auto sent = connection->send(message, deadlines.message);
    core::wipe(message);
    if (!sent.problem.empty()) {
        return failure_of(smtp_stage::data, sent);
    }
    const auto taken = connection->ask(".", deadlines.final_reply);
    if (!taken.is_positive()) {
        return failure_of(smtp_stage::message, taken);
    }
    return {};
}

smtp_transport::smtp_transport(smtp_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {}
smtp_transport::~smtp_transport() = default;

boost::system::result<void, delivery_failure> smtp_transport::submit(const mail& mail) {
    if (!is_envelope_address(mail.from) || !is_envelope_address(mail.to)) {
        return delivery_failure{failure_kind::permanent_recipient, "unsafe address"};
    }
    if (!is_sendable(mail.mime)) {
        return delivery_failure{failure_kind::permanent_recipient,
                                "the message has a line that SMTP cannot carry"};
    }
    auto handed_in = impl_->hand_in(mail);
    impl_->last_used = steady::now();
    if (!handed_in) {
        impl_->connection.reset(); // what broke off here is not carried into the next mail
    }
    return handed_in;
}

} // namespace countersign::notify
