#include "notify/smtp_failure.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace countersign::notify {
namespace {

constexpr std::size_t reply_length_max = 200;

} // namespace

std::string_view to_string(failure_kind kind) noexcept {
    switch (kind) {
    case failure_kind::transient:
        return "transient";
    case failure_kind::permanent_recipient:
        return "permanent";
    case failure_kind::relay:
        return "relay";
    }
    return "unknown";
}

std::string_view to_string(smtp_stage stage) noexcept {
    switch (stage) {
    case smtp_stage::connect:
        return "connect";
    case smtp_stage::hello:
        return "EHLO";
    case smtp_stage::start_tls:
        return "TLS";
    case smtp_stage::authenticate:
        return "AUTH";
    case smtp_stage::sender:
        return "MAIL";
    case smtp_stage::recipient:
        return "RCPT";
    case smtp_stage::data:
        return "DATA";
    case smtp_stage::message:
        return "end of DATA";
    }
    return "unknown";
}

bool begin_stage(std::string_view command, smtp_stage& stage) noexcept {
    constexpr std::array<std::pair<std::string_view, smtp_stage>, 4> commands{{
        {"EHLO ", smtp_stage::hello},
        {"HELO ", smtp_stage::hello},
        {"STARTTLS", smtp_stage::start_tls},
        {"AUTH ", smtp_stage::authenticate},
    }};
    const auto found = std::ranges::find_if(
        commands, [command](const auto& known) { return command.starts_with(known.first); });
    if (found == commands.end()) {
        return false;
    }
    stage = found->second;
    return true;
}

failure_kind classify(smtp_stage stage, int code) noexcept {
    switch (stage) {
    case smtp_stage::connect:
    case smtp_stage::hello:
    case smtp_stage::start_tls:
    case smtp_stage::authenticate:
    case smtp_stage::sender: // the same of every mail
        return failure_kind::relay;
    case smtp_stage::recipient:
    case smtp_stage::data:
    case smtp_stage::message:
        break;
    }
    switch (code) {
    case 421: // shutting down
    case 454: // authentication temporarily unavailable (RFC 4954)
    case 500: // what we speak is not understood: no fault of the recipient's
    case 502:
    case 503:
    case 530: // authentication or STARTTLS required
    case 534: // mechanism too weak
    case 535: // credentials refused
    case 538: // encryption required
        return failure_kind::relay;
    default:
        return code >= 500 && code <= 599 ? failure_kind::permanent_recipient
                                          : failure_kind::transient;
    }
}

std::string failure_reason(smtp_stage stage, std::string_view reply, std::string_view problem) {
    std::string_view text = (reply.empty() ? problem : reply).substr(0, reply_length_max);
    std::string out(to_string(stage));
    out += ':';
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        out += ' ';
        if (word.find('@') != std::string_view::npos) {
            out += "[address]";
            continue;
        }
        std::ranges::copy_if(word, std::back_inserter(out),
                             [](char letter) { return letter > ' ' && letter <= '~'; });
    }
    return out;
}

} // namespace countersign::notify
