#include "tests/chaos/soak/dweller.hpp"

#include "tests/support/scene.hpp"
#include "tests/support/slugbase_client.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

namespace countersign::tests {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds code_patience{5};
constexpr std::chrono::seconds look_patience{30};
constexpr std::chrono::seconds step_length{30};
// A login with a step-up needs two, and a code that was given into an outage is spent.
constexpr int codes_needed = 3;

constexpr std::string_view added = "New Two-Factor Authentication Method Added";
constexpr std::string_view removed = "Two-Factor Authentication Method Removed";
constexpr std::string_view backup_code_used = "A Backup Code Was Used on Your Account";
constexpr std::string_view backup_codes_renewed = "New Backup Codes for Your Account";
constexpr std::string_view password_changed = "Your Password Was Changed";
constexpr std::string_view login_abandoned = // told when it runs out
    "Somebody Used Your Password but Did Not Complete the Sign-In";
constexpr std::string_view logged_in = "New Login Detected on Your Account";

bool is_failure(const http_response& reply) {
    return reply.status == 500 || reply.status == 503;
}

// What the changes are about; sessions, challenges and counters come and go beside them.
auto essence(const core::account& account) {
    std::vector<std::string> devices;
    for (const auto& device : account.totp)
        devices.push_back(device.id.value());
    return std::tuple(account.password_hash, account.has(core::factor_method::email),
                      std::move(devices), account.backup_code_hashes);
}

bool has_app(const core::account& account) {
    return account.has(core::factor_method::totp);
}

bool prefers_mail(const core::account& account) {
    return account.preferred == core::factor_method::email;
}

std::string json_of_members(const boost::json::object& members) {
    return boost::json::serialize(members);
}

} // namespace

dweller::dweller(soak_stage& stage, int number, const std::string& service_key)
    : stage_(stage), who_{.port = stage.port()}, backend_{.port = stage.port(), .key = service_key},
      number_(number) {
    next_mark();
    if (who_.register_account("?send-email=false").status != 200)
        throw std::runtime_error("an account could not be registered");
    const auto session = who_.log_in();
    changes_.push_back({.mark = mark_,
                        .subject = std::string(logged_in),
                        .acknowledged = true,
                        .state = durable_state::made});
    if (session.status != 200) throw std::runtime_error("no login: " + session.body);
    id_ = text_in(json_of(who_.call("GET", "/api/users/me")), "id");
    const auto account = stage_.load(id_);
    if (!account) throw std::runtime_error("the account cannot be read");
    seen_ = *account;
}

void dweller::next_mark() {
    mark_ = mark_of(number_, ++marks_);
    who_.always = {{"User-Agent", mark_}};
}

// Its window has 17 steps at the enrolment, and one more every 30 s.
int dweller::codes_left() const {
    if (!has_app(seen_)) return 0;
    return 2 * scene_totp_window + 1 +
           static_cast<int>((clock::now() - enrolled_at_) / step_length) - codes_used_;
}

std::string dweller::next_code() {
    ++codes_used_;
    return who_.app.next();
}

bool dweller::act(std::mt19937& random) {
    std::vector<bool (dweller::*)()> can{&dweller::toggle_email, &dweller::toggle_email};
    if (!has_app(seen_)) can.insert(can.end(), {&dweller::enrol_app, &dweller::enrol_app});
    if (has_app(seen_) && !backup_codes_.empty()) can.push_back(&dweller::use_backup_code);
    if (!has_app(seen_) || codes_left() >= codes_needed)
        can.insert(can.end(), {&dweller::log_in, &dweller::change_password});
    if (codes_left() >= codes_needed) can.push_back(&dweller::renew_backup_codes);
    // The last factor cannot be removed at this door.
    if (codes_left() >= codes_needed && seen_.has(core::factor_method::email))
        can.insert(can.end(), {&dweller::remove_app, &dweller::remove_app});
    return (this->*can[random() % can.size()])();
}

bool dweller::toggle_email() {
    next_mark();
    const bool on = !seen_.has(core::factor_method::email);
    return attempt(
        std::string(on ? added : removed),
        [on](const core::account&, const core::account& now) {
            return now.has(core::factor_method::email) == on;
        },
        200, [&] { return backend_.put(id_, {{"emailFactor", on}, {"userAgent", mark_}}); });
}

bool dweller::enrol_app() {
    next_mark();
    const auto begun = ask(201, [&] { return backend_.about(id_, "POST", "/totp"); });
    if (!begun) return false;
    const auto material = json_of(*begun);
    const auto factor = text_in(material, "factorId");
    next_app_ = authenticator(text_in(material, "secret"), scene_totp_window);
    const auto body = json_of_members({{"code", next_app_.next()}, {"userAgent", mark_}});
    return attempt(
        std::string(added),
        [factor](const core::account&, const core::account& now) {
            return std::ranges::any_of(now.totp, [&](const core::totp_device& device) {
                return device.id.value() == factor;
            });
        },
        200,
        [&] {
            auto reply = backend_.about(id_, "POST", "/totp/" + factor + "/confirm", body);
            if (reply.status == 200) {
                const auto told = json_of(reply);
                if (const auto& codes = told.at("backupCodes").as_array(); !codes.empty()) {
                    backup_codes_.clear();
                    for (const auto& code : codes)
                        backup_codes_.emplace_back(code.as_string());
                }
            }
            return reply;
        });
}

bool dweller::use_backup_code() {
    next_mark();
    const auto code = std::exchange(backup_codes_.back(), {});
    backup_codes_.pop_back(); // whatever becomes of it: it is not tried twice
    return attempt(
        std::string(backup_code_used),
        [](const core::account& before, const core::account& now) {
            return now.backup_code_hashes.size() + 1 == before.backup_code_hashes.size();
        },
        200,
        [&] {
            return backend_.about(id_, "POST", "/verifications",
                                  json_of_members({{"code", code}, {"userAgent", mark_}}));
        });
}

bool dweller::log_in() {
    who_.forget_tokens();
    next_mark();
    const auto is_made = [mark = mark_](const core::account&, const core::account& now) {
        return std::ranges::any_of(now.sessions, [&](const core::session& session) {
            return session.client.browser == mark;
        });
    };
    if (!seen_.has_second_factor())
        return attempt(std::string(logged_in), is_made, 200, [&] { return who_.log_in(); });
    const auto begun = ask(200, [&] { return who_.log_in(); });
    if (prefers_mail(seen_)) expect_code_mail(begun.has_value());
    const auto body = begun ? answer_to(*begun) : std::nullopt;
    if (body &&
        attempt(std::string(logged_in), is_made, 200, [&] { return who_.complete_login(*body); }))
        return true;
    changes_.push_back(
        {.mark = mark_, .subject = std::string(login_abandoned), .state = durable_state::open});
    return false;
}

bool dweller::step_up() {
    next_mark();
    who_.two_factor.clear();
    const auto begun = ask(200, [&] { return who_.begin_step_up(); });
    const bool mailed = seen_.has_second_factor() && prefers_mail(seen_);
    if (mailed) expect_code_mail(begun.has_value());
    if (!begun) return false;
    if (!seen_.has_second_factor()) return true;
    const auto body = answer_to(*begun);
    return body && ask(200, [&] { return who_.complete_step_up(*body); });
}

bool dweller::change_password() {
    if (!log_in() || !step_up()) return false;
    who_.two_factor.clear();
    next_mark();
    next_password_ = "Correct-Horse-" + std::to_string(marks_);
    return attempt(
        std::string(password_changed),
        [](const core::account& before, const core::account& now) {
            return now.password_hash != before.password_hash;
        },
        200,
        [&] {
            return who_.call(
                "PUT", "/api/users/me/password",
                json_of_members({{"oldPassword", who_.password}, {"newPassword", next_password_}}));
        });
}

bool dweller::remove_app() {
    if (!log_in() || !step_up()) return false;
    who_.two_factor.clear();
    next_mark();
    return attempt(
        std::string(removed),
        [](const core::account&, const core::account& now) { return !has_app(now); }, 200,
        [&] { return who_.call("DELETE", "/api/auth/2fa/totp"); });
}

// At the door of another family, with the access token of the login.
bool dweller::renew_backup_codes() {
    if (!log_in()) return false;
    next_mark();
    const auto body = proof_body(next_code(), who_.password);
    return attempt(
        std::string(backup_codes_renewed),
        [](const core::account& before, const core::account& now) {
            return now.backup_code_hashes != before.backup_code_hashes;
        },
        200,
        [&] {
            slugbase_client other{.port = who_.port, .bearer = who_.access};
            other.always = who_.always;
            backup_codes_.clear(); // also where the answer with the new ones is lost
            auto reply = other.call("POST", "/api/auth/mfa/backup/regenerate", body);
            if (reply.status == 200) {
                const auto told = json_of(reply);
                for (const auto& code : told.at("backup_codes").as_array())
                    backup_codes_.emplace_back(code.as_string());
            }
            return reply;
        });
}

std::optional<std::string> dweller::answer_to(const http_response& begun) {
    if (text_in(json_of(begun), "preferredTwoFactorMethod") != "email")
        return totp_body(next_code());
    const auto code = stage_.mails.wait_for_code(mark_, code_patience);
    if (!code) return std::nullopt;
    return email_body(*code);
}

void dweller::expect_code_mail(bool acknowledged) {
    changes_.push_back({.mark = mark_,
                        .subject = std::string(code_mail_subject),
                        .acknowledged = acknowledged,
                        .state = acknowledged ? durable_state::made : durable_state::open});
}

bool dweller::expect(const http_response& reply, unsigned status) {
    if (reply.status == status) return true;
    if (!is_failure(reply))
        faults_.push_back(mark_ + " was answered with " + std::to_string(reply.status) + " " +
                          reply.body);
    return false;
}

std::optional<http_response> dweller::ask(unsigned status, const request& send) {
    try {
        auto reply = send();
        if (expect(reply, status)) return reply;
    } catch (const std::runtime_error&) {
        // The connection was lost.
    }
    return std::nullopt;
}

bool dweller::attempt(std::string subject, trace is_made, unsigned status, const request& send) {
    changes_.push_back({.mark = mark_, .subject = std::move(subject)});
    pending_ = {.index = changes_.size() - 1, .is_made = std::move(is_made)};
    const auto reply = ask(status, send);
    auto& change = changes_.back();
    change.acknowledged = reply.has_value();
    if (!reply) return false;
    settle();
    return change.state == durable_state::made;
}

void dweller::settle() {
    if (!pending_) return;
    std::optional<core::account> now;
    for (const auto deadline = clock::now() + look_patience; !now;) {
        now = stage_.load(id_);
        if (!now && clock::now() > deadline)
            throw std::runtime_error("the account " + id_ + " cannot be read");
        if (!now) std::this_thread::sleep_for(milliseconds(50));
    }
    auto& change = changes_[pending_->index];
    const bool made = pending_->is_made(seen_, *now);
    change.state = made ? durable_state::made : durable_state::not_made;
    if (!made && essence(*now) != essence(seen_))
        faults_.push_back(change.mark + " (" + change.subject + ") was made by half");
    if (made && change.subject == password_changed) who_.password = next_password_;
    if (made && has_app(*now) && !has_app(seen_)) {
        who_.app = next_app_;
        enrolled_at_ = clock::now();
        codes_used_ = 1;
        if (!change.acknowledged && now->backup_code_hashes != seen_.backup_code_hashes)
            backup_codes_.clear(); // the answer had the new ones
    }
    if (made && !has_app(*now)) backup_codes_.clear();
    seen_ = *std::move(now);
    pending_.reset();
}

void dweller::check_nothing_changed_since() {
    const auto now = stage_.load(id_);
    if (!now)
        faults_.push_back("the account " + id_ + " cannot be read at the end");
    else if (essence(*now) != essence(seen_))
        faults_.push_back("the account of " + mark_ + " changed after it was looked at");
}

} // namespace countersign::tests
