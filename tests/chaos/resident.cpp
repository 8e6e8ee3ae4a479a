#include "tests/chaos/resident.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>

namespace countersign::tests {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds code_patience{4};
constexpr std::chrono::seconds read_patience{10};
constexpr std::chrono::seconds alert_patience{90};
constexpr std::chrono::seconds stray_patience{2};

constexpr std::string_view mark_begin = "probe-";
constexpr std::string_view mark_end = "-end";
constexpr std::string_view added = "New Two-Factor Authentication Method Added";
constexpr std::string_view removed = "Two-Factor Authentication Method Removed";
constexpr std::string_view password_changed = "Your Password Was Changed";

std::string mark_in(const received_mail& mail) {
    const auto text = text_part(mail.data);
    const auto begin = text.find(mark_begin);
    if (begin == std::string::npos) return {};
    const auto end = text.find(mark_end, begin);
    return end == std::string::npos ? "" : text.substr(begin, end + mark_end.size() - begin);
}

std::string describe(const holdings& held) {
    return held.name + ", " + held.password + ", prefers " + held.preferred + ", e-mail " +
           (held.email_on ? "on" : "off");
}

} // namespace

resident::resident(const scene& stage, int number, unsigned seed)
    : stage_(stage), who_(stage.person_with_totp()), number_(number),
      random_(seed + static_cast<unsigned>(number)) {
    now_ = {.name = "Test Person", .password = who_.password};
    const auto enabled =
        who_.call("POST", "/api/auth/2fa/email/enable", code_body(stage.ask_for_code(who_)));
    if (enabled.status != 200) throw std::runtime_error("e-mail was not enabled: " + enabled.body);
}

std::string resident::next_mark() {
    return std::string(mark_begin) + std::to_string(number_) + "-" + std::to_string(++marks_) +
           std::string(mark_end);
}

void resident::live(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        bool answered = false;
        switch (random_() % 8) {
        case 0:
            answered = rename();
            break;
        case 1:
        case 2:
            answered = prefer();
            break;
        case 3:
            answered = change_password();
            break;
        default:
            answered = now_.email_on ? disable_email() : enable_email();
            break;
        }
        if (!answered) return;
    }
}

bool resident::rename() {
    auto after = now_;
    after.name = "Name " + std::to_string(marks_ + 1);
    return attempt("PUT", "/api/users/me", R"({"name":")" + after.name + "\"}", after);
}

bool resident::prefer() {
    auto after = now_;
    after.preferred = now_.email_on && now_.preferred == "totp" ? "email" : "totp";
    return attempt("POST", "/api/auth/2fa/preferred-method",
                   R"({"method":")" + after.preferred + "\"}", after);
}

bool resident::change_password() {
    auto after = now_;
    after.password = "Correct-Horse-" + std::to_string(marks_ + 1);
    password_in_doubt_ = true;
    return attempt("PUT", "/api/users/me/password",
                   R"({"oldPassword":")" + now_.password + R"(","newPassword":")" + after.password +
                       "\"}",
                   after, std::string(password_changed));
}

bool resident::disable_email() {
    auto after = now_;
    after.email_on = false;
    after.preferred = "totp";
    return attempt("DELETE", "/api/auth/2fa/email", "", after, std::string(removed));
}

bool resident::enable_email() {
    const auto mark = next_mark();
    try {
        if (who_.call("POST", "/api/auth/2fa/email/send", {}, {{"User-Agent", mark}}).status != 200)
            return false;
    } catch (const std::runtime_error&) {
        return false; // a code may be on its way; nothing that is watched here has changed
    }
    const auto code = wait_for_code(mark);
    if (code.empty()) return false;
    auto after = now_;
    after.email_on = true;
    return attempt("POST", "/api/auth/2fa/email/enable", code_body(code), after,
                   std::string(added));
}

std::string resident::wait_for_code(const std::string& mark) const {
    const auto deadline = clock::now() + code_patience;
    while (clock::now() < deadline) {
        for (const auto& mail : mails_about(stage_.sink, who_.email, "verification code"))
            if (mark_in(mail) == mark) return find_six_digits(text_part(mail.data)).value_or("");
        std::this_thread::sleep_for(std::chrono::milliseconds(15));
    }
    return {};
}

bool resident::attempt(std::string_view method, std::string_view target, std::string_view body,
                       holdings after, std::string subject) {
    auto& change = changes_.emplace_back(attempted_change{
        .mark = next_mark(), .subject = std::move(subject), .before = now_, .after = after});
    try {
        const auto reply = who_.call(method, target, body, {{"User-Agent", change.mark}});
        if (reply.status == 200) {
            change.acknowledged = true;
            change.outcome = change_outcome::made;
            now_ = std::move(after);
            return true;
        }
        EXPECT_TRUE(reply.status == 500 || reply.status == 503)
            << change.mark << " " << method << " " << target << ": " << reply.status << reply.body;
        EXPECT_TRUE(reply.header("Retry-After").has_value());
    } catch (const std::runtime_error&) {
        // The connection was lost.
    }
    return false;
}

holdings resident::read() const {
    auto reader = who_;
    const auto deadline = clock::now() + read_patience;
    for (;;) {
        try {
            const auto reply = reader.call("GET", "/api/users/me");
            if (reply.status == 200) {
                const auto object = json_of(reply);
                return {.name = text_in(object, "name"),
                        .password = now_.password,
                        .preferred = text_in(object, "preferredTwoFactorMethod"),
                        .email_on = object.at("twoFactorMethods").as_array().size() == 2};
            }
            if (clock::now() > deadline)
                throw std::logic_error("the account cannot be read: " + reply.body);
        } catch (const std::runtime_error& lost) {
            if (clock::now() > deadline) throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

bool resident::has_password(const std::string& password) {
    auto asking = who_;
    asking.password = password;
    const auto deadline = clock::now() + read_patience;
    for (;;) {
        const auto reply = asking.begin_step_up();
        if (reply.status == 200 || reply.status == 401) return reply.status == 200;
        // One of the server's threads may have its store back later than another.
        if (clock::now() > deadline)
            throw std::logic_error("the password cannot be checked: " + reply.body);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

void resident::take_stock() {
    auto found = read();
    auto* const open = !changes_.empty() && changes_.back().outcome == change_outcome::unknown
                           ? &changes_.back()
                           : nullptr;
    if (password_in_doubt_) {
        const bool changing = open != nullptr && open->after.password != now_.password;
        if (changing && has_password(open->after.password))
            found.password = open->after.password;
        else
            EXPECT_TRUE(has_password(now_.password)) << "an acknowledged password is lost";
        password_in_doubt_ = false;
    }
    if (open == nullptr) {
        EXPECT_EQ(describe(found), describe(now_)) << "an acknowledged change is lost";
    } else {
        EXPECT_TRUE(found == open->before || found == open->after)
            << open->mark << " was made by half: " << describe(found)
            << "; before: " << describe(open->before) << "; after: " << describe(open->after);
        open->outcome = found == open->after && open->after != open->before
                            ? change_outcome::made
                            : change_outcome::not_made;
    }
    now_ = found;
}

void expect_exactly_the_alerts_due(const scene& stage, const std::vector<resident>& all) {
    std::map<std::string, std::string> due, undue; // subject by mark
    for (const auto& one : all)
        for (const auto& change : one.changes())
            if (!change.subject.empty())
                (change.outcome == change_outcome::made ? due : undue)[change.mark] =
                    change.subject;

    using copies = std::multimap<std::string, received_mail>; // by mark
    const auto alerts = [&] {
        copies found;
        for (auto& mail : stage.sink.mails()) {
            const auto subject = header(mail.data, "Subject");
            if (subject != added && subject != removed && subject != password_changed) continue;
            if (auto mark = mark_in(mail); !mark.empty()) found.emplace(mark, std::move(mail));
        }
        return found;
    };
    const auto missing = [&](const copies& found) -> std::optional<std::string> {
        for (const auto& [mark, subject] : due)
            if (!found.contains(mark)) return mark + " (" + subject + ")";
        return std::nullopt;
    };
    auto found = alerts();
    for (const auto deadline = clock::now() + alert_patience;
         missing(found) && clock::now() < deadline; found = alerts())
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_FALSE(missing(found)) << "no alert about " << *missing(found);
    std::this_thread::sleep_for(stray_patience);

    found = alerts();
    std::map<std::string, std::string> mark_by_message;
    for (const auto& [mark, mail] : found) {
        EXPECT_FALSE(undue.contains(mark)) << "an alert about a change that was not made: " << mark;
        EXPECT_EQ(header(mail.data, "Subject"), due[mark]);
        const auto& first = found.lower_bound(mark)->second;
        EXPECT_EQ(header(mail.data, "Message-ID"), header(first.data, "Message-ID"));
        EXPECT_EQ(header(mail.data, "Date"), header(first.data, "Date"));
        const auto [known, fresh] =
            mark_by_message.try_emplace(header(mail.data, "Message-ID"), mark);
        EXPECT_EQ(known->second, mark) << "two alerts share a Message-ID";
    }
    std::cout << due.size() << " alerts due, " << found.size() << " mails about them, "
              << undue.size() << " changes without a trace\n";
}

} // namespace countersign::tests
