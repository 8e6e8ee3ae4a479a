#include "bench/subjects.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <thread>

namespace countersign::bench {

namespace {

constexpr std::int64_t period_s = 30;
constexpr std::uint32_t code_modulus = 1'000'000;
constexpr std::size_t wrong_per_subject = 4; // five start a pause
constexpr std::size_t backup_per_subject = 10;

using digest = std::array<unsigned char, SHA_DIGEST_LENGTH>;

double now_s() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

digest secret_of(std::size_t subject, std::size_t device) {
    const auto text = "secret " + std::to_string(subject) + " " + std::to_string(device);
    digest out{};
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
    return out;
}

std::string base32(const digest& bytes) { // 20 bytes are 32 characters, without padding
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string text;
    unsigned held = 0, bits = 0;
    for (const auto byte : bytes) {
        held = (held << 8U) | byte;
        for (bits += 8; bits >= 5; bits -= 5)
            text += letters[(held >> (bits - 5)) & 31U];
    }
    return text;
}

std::string hex(const unsigned char* bytes, std::size_t count) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t at = 0; at < count; ++at) {
        text += digits[bytes[at] >> 4U];
        text += digits[bytes[at] & 15U];
    }
    return text;
}

} // namespace

std::string subject_name(std::size_t number) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "bench-%07zu", number);
    return text.data();
}

std::string backup_code_of(std::size_t subject, std::size_t number) {
    const auto text = "backup " + std::to_string(subject) + " " + std::to_string(number);
    digest out{};
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
    return hex(out.data(), 8);
}

std::string import_line(std::size_t number, const subject_shape& shape) {
    const auto name = subject_name(number);
    auto line = R"({"subject":")" + name + R"(","email":")" + name + R"(@example.org","totp":[)";
    for (std::size_t device = 0; device < shape.devices; ++device) {
        if (device > 0) line += ',';
        line += R"("otpauth://totp/Bench:)" + name +
                "?secret=" + base32(secret_of(number, device)) + R"(&issuer=Bench")";
    }
    line += R"(],"backupCodes":[)";
    for (std::size_t code = 0; code < shape.backup_codes; ++code) {
        const auto text = backup_code_of(number, code);
        std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
        ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
        line += code > 0 ? ",\"" : "\"";
        line += hex(hash.data(), hash.size()) + "\"";
    }
    return line + "]}\n";
}

std::uint32_t totp_code_of(std::size_t subject, std::size_t device, std::int64_t step) {
    const auto secret = secret_of(subject, device);
    return totp_code({reinterpret_cast<const char*>(secret.data()), secret.size()}, step);
}

std::uint32_t totp_code(std::string_view key, std::int64_t step) {
    std::array<unsigned char, 8> message{};
    for (std::size_t at = 0; at < message.size(); ++at)
        message[at] = static_cast<unsigned char>(step >> (56 - 8 * at));
    digest mac{};
    ::HMAC(::EVP_sha1(), key.data(), static_cast<int>(key.size()), message.data(), message.size(),
           mac.data(), nullptr);
    const std::size_t at = mac[19] & 15U; // RFC 4226 section 5.3
    const auto number = (mac[at] & 127U) << 24U | static_cast<std::uint32_t>(mac[at + 1]) << 16U |
                        static_cast<std::uint32_t>(mac[at + 2]) << 8U | mac[at + 3];
    return number % code_modulus;
}

std::string six_digits(std::uint32_t code) {
    auto text = std::to_string(code);
    return text.insert(0, 6 - text.size(), '0');
}

std::int64_t step_now() {
    return static_cast<std::int64_t>(now_s()) / period_s;
}

code_supply::code_supply(std::size_t first, std::size_t count, std::size_t devices)
    : first_(first), devices_(devices), last_(count * devices) {}

// A step that is good during all of the next seconds: in the window (one either side) of both ends.
std::vector<code_supply::code> code_supply::find(std::size_t wanted, double seconds) {
    const auto newest = step_now() + 1;
    const auto oldest = static_cast<std::int64_t>(now_s() + seconds) / period_s - 1;
    const auto subjects = last_.size() / devices_;
    std::vector<code> found;
    // Once around for each step that the window may hold.
    for (std::size_t looked = 0; looked < 3 * last_.size() && found.size() < wanted; ++looked) {
        const auto slot = next_;
        next_ = (next_ + 1) % last_.size();
        const auto step = std::max(last_[slot] + 1, oldest);
        if (step > newest) continue;
        last_[slot] = step;
        const auto subject = first_ + slot % subjects;
        found.push_back({.subject = static_cast<std::uint32_t>(subject),
                         .digits = totp_code_of(subject, slot / subjects, step),
                         .step = step,
                         .slot = static_cast<std::uint32_t>(slot)});
    }
    return found;
}

std::vector<code_supply::code> code_supply::take(std::size_t wanted, std::size_t enough,
                                                 double seconds) {
    constexpr double preparation_s = 2;
    for (int waits = 0;; ++waits) {
        auto found = find(wanted, seconds + preparation_s);
        if (found.size() >= enough || waits == 2) return found;
        give_back(found.data(), found.size());
        const auto next_period = static_cast<double>(step_now() + 1) * period_s;
        std::this_thread::sleep_for(std::chrono::duration<double>(next_period + 0.05 - now_s()));
        if (loads_interrupted()) return {};
    }
}

void code_supply::give_back(const code* first, std::size_t count) {
    for (std::size_t at = 0; at < count; ++at)
        last_[first[at].slot] = std::min(last_[first[at].slot], first[at].step - 1);
    if (count > 0) next_ = first->slot;
}

std::string verification_request(const std::string& key, std::string_view subject,
                                 std::string_view code) {
    const auto body = "{\"code\":\"" + std::string(code) + "\"}";
    return "POST /api/service/v1/subjects/" + std::string(subject) +
           "/verifications HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

verifications::verifications(std::string key, std::vector<code_supply::code> codes)
    : key_(std::move(key)), codes_(std::move(codes)), count_(codes_.size()) {}

verifications::verifications(std::string key, code_kind kind, std::size_t first, std::size_t count)
    : kind_(kind), key_(std::move(key)), first_(first), count_(count) {}

// Made once; then only the subject and the code are written over.
void verifications::write_request(std::size_t subject, std::string_view code) {
    const auto name = subject_name(subject);
    if (request_.empty()) request_ = verification_request(key_, name, code);
    constexpr std::size_t subject_at = std::string_view("POST /api/service/v1/subjects/").size();
    request_.replace(subject_at, name.size(), name);
    request_.replace(request_.size() - 2 - code.size(), code.size(), code);
}

std::string_view verifications::next() {
    if (used_ == count_) return {};
    const auto at = used_++;
    if (kind_ == code_kind::totp) {
        write_request(codes_[at].subject, six_digits(codes_[at].digits));
    } else if (kind_ == code_kind::backup) {
        const auto index = first_ + at;
        const auto subject = index / backup_per_subject;
        write_request(subject, backup_code_of(subject, index % backup_per_subject));
    } else {
        const auto subject = (first_ + at) / wrong_per_subject;
        const auto right = totp_code_of(subject, 0, step_now());
        write_request(subject, six_digits((right + code_modulus / 2) % code_modulus));
    }
    return request_;
}

bool verifications::accepts(unsigned status, std::string_view body) {
    if (status != 200) return false;
    const auto verified = body.find("\"verified\":true") != std::string_view::npos;
    return verified == (kind_ != code_kind::wrong);
}

} // namespace countersign::bench
