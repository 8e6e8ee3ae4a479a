// Submissions to the SMTP sink, and what it is told to do wrong.
#pragma once

#include "notify/smtp_transport.hpp"
#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::tests {

inline notify::smtp_options options_for(std::string_view url) {
    using std::chrono::seconds;
    auto parsed = notify::parse_mail_url(url);
    notify::smtp_options options;
    options.url = std::make_shared<notify::mail_url>(std::move(parsed.unsafe_value()));
    options.hello_name = "client.test";
    options.deadlines = {.connect = seconds(5),
                         .command = seconds(5),
                         .data = seconds(5),
                         .message = seconds(5),
                         .final_reply = seconds(5)};
    return options;
}

inline notify::mail sample() {
    return rendered(sample_event(core::event_type::one_time_code));
}

// Does this to the commands that begin with `verb`, for so many times.
inline sink_cue doing(std::string verb, sink_answer answer, int times = 1'000'000) {
    return [verb = std::move(verb), answer = std::move(answer),
            left = std::make_shared<std::atomic<int>>(times)](std::string_view line) {
        return line.starts_with(verb) && left->fetch_sub(1) > 0 ? answer : sink_answer{};
    };
}
inline sink_cue failing(std::string verb, std::string reply) {
    return doing(std::move(verb), {.reply = std::move(reply)});
}
inline sink_cue closing(std::string verb) {
    return doing(std::move(verb), {.close = true});
}

inline notify::delivery_failure failure_of(notify::smtp_options options) {
    notify::smtp_transport transport(std::move(options));
    const auto outcome = transport.submit(sample());
    if (outcome) {
        return {notify::failure_kind::transient, "it was delivered"};
    }
    return outcome.error();
}

inline notify::delivery_failure failure_with(sink_cue cue) {
    smtp_sink_options options;
    options.cue = std::move(cue);
    const smtp_sink sink(std::move(options));
    return failure_of(options_for(sink.url()));
}

} // namespace countersign::tests
