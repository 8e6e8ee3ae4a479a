#include "tests/chaos/soak/mailroom.hpp"

#include "tests/support/smtp_sink.hpp"

#include <functional>

namespace countersign::tests {

namespace {

constexpr std::string_view mark_begin = "probe-";
constexpr std::string_view mark_end = "-end";
constexpr std::chrono::milliseconds reading_pause{5};

std::string mark_in(std::string_view text) {
    const auto begin = text.find(mark_begin);
    if (begin == std::string_view::npos) return {};
    const auto end = text.find(mark_end, begin);
    if (end == std::string_view::npos) return {};
    return std::string(text.substr(begin, end + mark_end.size() - begin));
}

} // namespace

std::string mark_of(int account, int number) {
    return std::string(mark_begin) + std::to_string(account) + "-" + std::to_string(number) +
           std::string(mark_end);
}

mailroom::mailroom() : reader_([this](const std::stop_token& stop) { read(stop); }) {}

void mailroom::read(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        sort_in(of_server_, victim::server);
        sort_in(of_notifier_, victim::notifier);
        std::this_thread::sleep_for(reading_pause);
    }
}

void mailroom::sort_in(load_sink& sink, victim by) {
    auto ends = sink.take_ends(); // before the mails: none of an ended connection is missing then
    for (auto& mail : sink.take_mails()) {
        const auto text = text_part(mail.data);
        mail_note note{.mark = mark_in(text),
                       .subject = header(mail.data, "Subject"),
                       .message_id = header(mail.data, "Message-ID"),
                       .date = header(mail.data, "Date"),
                       .bytes_hash = std::hash<std::string>{}(mail.data),
                       .by = by,
                       .connection = mail.connection,
                       .arrived = mail.arrived};
        const std::lock_guard lock(mutex_);
        if (note.subject == code_mail_subject)
            if (auto code = find_six_digits(text)) codes_[note.mark] = *std::move(code);
        mails_.push_back(std::move(note));
    }
    const std::lock_guard lock(mutex_);
    for (const auto& end : ends)
        ends_.push_back(
            {.by = by, .connection = end.connection, .at = end.at, .said_quit = end.said_quit});
    changed_.notify_all();
}

std::optional<std::string> mailroom::wait_for_code(const std::string& mark,
                                                   std::chrono::milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [&] { return codes_.contains(mark); }))
        return std::nullopt;
    return codes_.at(mark);
}

void mailroom::add_to(chaos_history& history) const {
    const std::lock_guard lock(mutex_);
    history.mails.insert(history.mails.end(), mails_.begin(), mails_.end());
    history.ends.insert(history.ends.end(), ends_.begin(), ends_.end());
}

} // namespace countersign::tests
