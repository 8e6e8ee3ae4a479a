#include "core/document_fields.hpp"

#include "core/text.hpp"

#include <boost/endian/conversion.hpp>

#include <array>
#include <bit>
#include <cstring>

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

// Encoded text is stored as a byte string: how long the name is, the name, what base64url stands
// for. Without a name there is no full stop either.
constexpr char name_end = '.'; // key_ring::seal, code_hasher::hash
constexpr std::size_t name_max = 255;

// Major types (RFC 8949 section 3.1) in the place where a head has them.
enum class major : unsigned char {
    unsigned_integer = 0U << 5U,
    negative_integer = 1U << 5U,
    bytes = 2U << 5U,
    text = 3U << 5U,
    array = 4U << 5U,
    map = 5U << 5U,
};
constexpr std::uint64_t in_head_max = 23; // a number up to this is part of the head itself

// As short as it can be (section 4.1).
void append_head(std::string& text, major type, std::uint64_t value) {
    const auto first = static_cast<unsigned char>(type);
    if (value <= in_head_max) {
        text += static_cast<char>(first | value);
        return;
    }
    const unsigned bits = static_cast<unsigned>(std::bit_width(value));
    const unsigned size_log = bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3; // of bytes
    std::array<char, 9> head{};
    head[0] = static_cast<char>(first | (in_head_max + 1 + size_log));
    const auto big_endian = boost::endian::native_to_big(value << (64U - (8U << size_log)));
    std::memcpy(head.data() + 1, &big_endian, sizeof big_endian);
    text.append(head.data(), 1 + (std::size_t{1} << size_log));
}

} // namespace

std::string_view to_string(field which) noexcept {
    return names[static_cast<std::size_t>(which)];
}

void document_writer::finish() {
    if (count_ <= in_head_max) {
        text_[head_] = static_cast<char>(static_cast<unsigned char>(major::map) | count_);
        return;
    }
    std::string head;
    append_head(head, major::map, count_);
    text_.replace(head_, 1, head);
}

void document_writer::put_integer(std::int64_t value) {
    if (value >= 0)
        append_head(text_, major::unsigned_integer, static_cast<std::uint64_t>(value));
    else
        append_head(text_, major::negative_integer, static_cast<std::uint64_t>(-1 - value));
}

void document_writer::put_text(std::string_view value) {
    append_head(text_, major::text, value.size());
    text_ += value;
}

void document_writer::put_array_head(std::size_t size) {
    append_head(text_, major::array, size);
}

void document_writer::put_hex(std::string_view prefix, std::string_view value) {
    const auto begin = text_.size();
    if (value.starts_with(prefix)) {
        const auto digits = value.substr(prefix.size());
        append_head(text_, major::bytes, digits.size() / 2);
        if (append_from_hex(text_, digits)) return;
        text_.resize(begin);
    }
    put_text(value);
}

void document_writer::put_encoded(std::string_view value) {
    const auto begin = text_.size();
    const auto end = value.find(name_end);
    const bool is_named = end != std::string_view::npos;
    const auto name = is_named ? value.substr(0, end) : std::string_view();
    if (!is_named || (!name.empty() && name.size() <= name_max)) {
        const auto digits = is_named ? value.substr(end + 1) : value;
        append_head(text_, major::bytes, 1 + name.size() + digits.size() * 6 / 8);
        text_ += static_cast<char>(name.size());
        text_ += name;
        if (append_from_base64url(text_, digits)) return;
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

void document_reader::take_encoded(std::string& out) {
    const auto before = in_;
    if (const auto bytes = in_.byte_string()) {
        const auto stored = text_of(*bytes);
        const auto name_size =
            stored.empty() ? 0U : static_cast<std::size_t>(static_cast<unsigned char>(stored[0]));
        if (stored.empty() || name_size >= stored.size()) return fail();
        if (!is_valid_utf8(stored.substr(1, name_size))) return fail();
        const auto raw = bytes->subspan(1 + name_size);
        out.clear();
        out.reserve(name_size + 1 + (raw.size() * 8 + 5) / 6);
        if (name_size > 0) out.append(stored, 1, name_size).append(1, name_end);
        append_base64url(out, raw);
        return;
    }
    in_ = before;
    take_text(out);
}

} // namespace countersign::core
