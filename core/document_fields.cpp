#include "core/document_fields.hpp"

#include "core/text.hpp"

#include <array>

namespace countersign::core {

namespace {

// clang-format off
constexpr std::array<std::string_view, static_cast<std::size_t>(last_field) + 1> names{
    "format", "id", "email", "email_verified", "name", "subject", "locale", "password", "created",
    "active", "email_factor_since", "totp", "backup", "preferred", "label", "alg", "digits",
    "period", "secret", "step", "at", "misses", "until", "factor_attempts",
    "pending_email", "family_name", "registration_reported", "enrolment", "passkeys",
    "passkey_enrolment", "passkey_challenge", "codes", "mails", "password_attempts", "challenges",
    "unanswered", "unfinished", "failure_told", "reuse_told", "sessions", "api_tokens", "notify",
    "light_mode", "for", "hash", "to", "ip", "browser", "os", "session", "replaces", "count",
    "refresh", "aal", "second_factor_at", "seen", "token", "by", "device", "credential", "key",
    "uv", "be", "bs", "via", "used", "challenge",
};
// clang-format on
static_assert(names.back() == "challenge");

} // namespace

std::string_view to_string(field which) noexcept {
    return names[static_cast<std::size_t>(which)];
}

void document_writer::finish() {
    std::string head;
    append_cbor_head(head, cbor_major::map, count_);
    text_.replace(head_, 1, head);
}

void document_writer::put_integer(std::int64_t value) {
    if (value >= 0)
        append_cbor_head(text_, cbor_major::unsigned_integer, static_cast<std::uint64_t>(value));
    else
        append_cbor_head(text_, cbor_major::negative_integer,
                         static_cast<std::uint64_t>(-1 - value));
}

void document_writer::put_text(std::string_view value) {
    append_cbor_head(text_, cbor_major::text, value.size());
    text_ += value;
}

void document_writer::put_array_head(std::size_t size) {
    append_cbor_head(text_, cbor_major::array, size);
}

void document_writer::put_hex(std::string_view prefix, std::string_view value) {
    const auto begin = text_.size();
    if (value.starts_with(prefix)) {
        const auto digits = value.substr(prefix.size());
        append_cbor_head(text_, cbor_major::bytes, digits.size() / 2);
        if (append_from_hex(text_, digits)) return;
        text_.resize(begin);
    }
    put_text(value);
}

void document_reader::take_text(std::string& out) {
    const auto text = in_.text();
    if (text && is_valid_utf8(*text))
        out.assign(*text);
    else
        fail();
}

std::string document_reader::take_hex(std::string_view prefix) {
    std::string value;
    const auto before = in_;
    if (const auto bytes = in_.byte_string()) {
        value.reserve(prefix.size() + 2 * bytes->size());
        value += prefix;
        append_hex(value, *bytes);
        return value;
    }
    in_ = before;
    take_text(value);
    return value;
}

} // namespace countersign::core
