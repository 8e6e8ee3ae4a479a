// The fields of a stored account, in two notations with the same verbs: CBOR (RFC 8949), which is
// what is stored, and JSON, which people read. One description of a structure
// (account_document.cpp) serves the four classes here, so that what is written and what is read
// cannot differ.
//
// One rule for all: a field that has its type's empty value is left out, and one that is absent
// reads as empty. A reader knows when something is left over, which a newer version wrote.
#pragma once

#include "core/account.hpp"
#include "core/crypto/cbor.hpp"
#include "core/hash_list.hpp"
#include "core/json_fields.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::core {

// The keys of the maps. Their numbers are stored, so a new one goes to the end and none is used for
// anything else later. Numbers below 24 take one byte: they are for what most accounts have.
// clang-format off
enum class field : std::uint8_t {
    format, id, email, email_verified, name, subject, locale, password, created,
    active, email_factor_since, totp, backup, preferred, label, alg, digits,
    period, secret, step, at, misses, until, factor_attempts,
    pending_email, family_name, registration_reported, enrolment, passkeys,
    passkey_enrolment, passkey_challenge, codes, mails, password_attempts, challenges,
    unanswered, unfinished, failure_told, reuse_told, sessions, api_tokens, notify,
    light_mode, purpose, hash, to, ip, browser, os, session, replaces, count,
    refresh, aal, second_factor_at, seen, token, by, device, credential, key,
    uv, be, bs, via, used, challenge,
};
// clang-format on
inline constexpr field last_field = field::challenge;
// In JSON.
[[nodiscard]] std::string_view to_string(field which) noexcept;

// Appends one map to a text. The fields of a map come in the order in which they are described,
// which is the one in which they are read.
class document_writer {
public:
    static constexpr bool reads = false;

    // `text` outlives it; nothing else writes to it until finish().
    explicit document_writer(std::string& text) : text_(text), head_(text.size()) { text_ += '\0'; }
    void finish();

    void operator()(field which, const std::string& value) {
        if (value.empty()) return;
        begin(which);
        put_text(value);
    }
    template <typename Tag>
    void operator()(field which, const identifier<Tag>& value) {
        operator()(which, value.value());
    }
    void operator()(field which, std::integral auto value) {
        if (value == 0) return;
        begin(which);
        put_integer(static_cast<std::int64_t>(value));
    }
    void operator()(field which, unix_time value) {
        operator()(which, value.time_since_epoch().count());
    }
    template <typename T>
    void operator()(field which, const std::optional<T>& value) {
        if (value) operator()(which, *value);
    }
    void operator()(field which, const std::vector<std::string>& values) {
        put_list(which, values, [this](const std::string& value) { put_text(value); });
    }
    // Text that is mostly `prefix` and hexadecimal digits: stored as the bytes that they stand for.
    template <typename Tag>
    void hex(field which, std::string_view prefix, const identifier<Tag>& value) {
        if (value.empty()) return;
        begin(which);
        put_hex(prefix, value.value());
    }
    // Text that is mostly base64url, perhaps behind a name and a full stop: stored as the bytes.
    void encoded(field which, const std::string& value) {
        if (value.empty()) return;
        begin(which);
        append_packed(text_, value);
    }
    void encoded(field which, const hash_list& values) {
        if (values.empty()) return;
        begin(which);
        put_array_head(values.size());
        text_ += values.items();
    }
    // What describe(Fields&, T&) describes.
    template <typename T>
    void object(field which, const std::optional<T>& value) {
        if (value) put_object(which, *value);
    }
    template <typename T>
    void object(field which, const T& value) {
        if (value != T{}) put_object(which, value);
    }
    template <typename T>
    void list(field which, const std::vector<T>& values) {
        put_list(which, values, [this](const T& value) { put_map(value); });
    }

private:
    void begin(field which) {
        ++count_;
        put_integer(static_cast<std::int64_t>(which));
    }
    template <typename T>
    void put_map(const T& value) {
        document_writer inner(text_);
        describe(inner, value);
        inner.finish();
    }
    template <typename T>
    void put_object(field which, const T& value) {
        begin(which);
        put_map(value);
    }
    template <typename T, typename Put>
    void put_list(field which, const std::vector<T>& values, Put put) {
        if (values.empty()) return;
        begin(which);
        put_array_head(values.size());
        for (const auto& value : values)
            put(value);
    }
    void put_integer(std::int64_t value);
    void put_text(std::string_view value);
    void put_hex(std::string_view prefix, std::string_view value);
    void put_array_head(std::size_t size);

    std::string& text_;
    std::size_t head_; // where the map begins
    std::size_t count_ = 0;
};

// What is wrong with a document, shared by the readers of its parts: the first thing found.
using document_fault = std::optional<document_error>;

// Reads one map. After the first fault, reads change nothing.
class document_reader {
public:
    static constexpr bool reads = true;

    // Both outlive it.
    document_reader(cbor_reader& in, document_fault& fault) : in_(in), fault_(fault) {
        if (const auto pairs = in_.map())
            left_ = *pairs;
        else
            fail();
    }
    void fail(document_error why = document_error::malformed) {
        if (!fault_) fault_ = why;
    }
    void finish() {
        if (left_ > 0) fail(document_error::unknown_format);
    }

    void operator()(field which, std::string& out) {
        if (at(which)) take_text(out);
    }
    template <typename Tag>
    void operator()(field which, identifier<Tag>& out) {
        std::string text;
        operator()(which, text);
        out = identifier<Tag>(std::move(text));
    }
    void operator()(field which, bool& out) {
        int number = 0;
        operator()(which, number);
        if (number < 0 || number > 1) return fail();
        out = number == 1;
    }
    template <std::integral T>
    void operator()(field which, T& out) {
        if (!at(which)) return;
        const auto number = in_.integer();
        if (number && std::in_range<T>(*number))
            out = static_cast<T>(*number);
        else
            fail();
    }
    void operator()(field which, unix_time& out) {
        std::int64_t count = 0;
        operator()(which, count);
        out = unix_time(milliseconds(count));
    }
    template <typename T>
    void operator()(field which, std::optional<T>& out) {
        if (!is_next(which)) return;
        T value{};
        operator()(which, value);
        out = std::move(value);
    }
    void operator()(field which, std::vector<std::string>& out) {
        take_list(which, out, [this](std::string& value) { take_text(value); });
    }
    template <typename Tag>
    void hex(field which, std::string_view prefix, identifier<Tag>& out) {
        if (at(which)) out = identifier<Tag>(take_hex(prefix));
    }
    void encoded(field which, std::string& out) {
        if (at(which) && !take_packed(in_, out)) fail();
    }
    void encoded(field which, hash_list& out) {
        if (!at(which)) return;
        const auto size = in_.array();
        if (!size || !out.take(in_, *size)) fail();
    }
    template <typename T>
    void object(field which, std::optional<T>& out) {
        if (at(which)) take_map(out.emplace());
    }
    template <typename T>
    void object(field which, T& out) {
        if (at(which)) take_map(out);
    }
    template <typename T>
    void list(field which, std::vector<T>& out) {
        take_list(which, out, [this](T& value) { take_map(value); });
    }

private:
    // Of a list: a longer one grows as it is read, whatever its length says.
    static constexpr std::size_t reserved_max = 64;

    [[nodiscard]] bool is_next(field which) {
        if (fault_ || left_ == 0) return false;
        if (!key_) {
            key_ = in_.integer();
            if (!key_) fail();
        }
        return key_ == static_cast<std::int64_t>(which);
    }
    // Takes the key, if it is that one; the value must be taken next.
    [[nodiscard]] bool at(field which) {
        if (!is_next(which)) return false;
        key_.reset();
        --left_;
        return true;
    }
    template <typename T>
    void take_map(T& out) {
        document_reader inner(in_, fault_);
        describe(inner, out);
        inner.finish();
    }
    template <typename T, typename Take>
    void take_list(field which, std::vector<T>& out, Take take) {
        if (!at(which)) return;
        const auto size = in_.array();
        if (!size) return fail();
        out.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*size, reserved_max)));
        for (auto left = *size; left > 0 && !fault_; --left)
            take(out.emplace_back());
    }
    void take_text(std::string& out);
    [[nodiscard]] std::string take_hex(std::string_view prefix);

    cbor_reader& in_;
    document_fault& fault_;
    std::uint64_t left_ = 0;          // pairs
    std::optional<std::int64_t> key_; // of the next one, once it was looked at
};

// The same in JSON: everything in the words that it has in the account.
class json_document_writer {
public:
    static constexpr bool reads = false;
    explicit json_document_writer(json_writer& out) : out_(out) {}

    void operator()(field which, const auto& value) { out_.put(to_string(which), value); }
    template <typename Tag>
    void hex(field which, std::string_view /*prefix*/, const identifier<Tag>& value) {
        operator()(which, value);
    }
    void encoded(field which, const std::string& value) { operator()(which, value); }
    void encoded(field which, const hash_list& values) {
        operator()(which, std::vector<std::string>(values.begin(), values.end()));
    }
    template <typename T>
    void object(field which, const std::optional<T>& value) {
        if (value) put_object(which, *value);
    }
    template <typename T>
    void object(field which, const T& value) {
        if (value != T{}) put_object(which, value);
    }
    template <typename T>
    void list(field which, const std::vector<T>& values) {
        out_.put_each(to_string(which), values, [](json_writer& out, const T& value) {
            json_document_writer inner(out);
            describe(inner, value);
        });
    }

private:
    template <typename T>
    void put_object(field which, const T& value) {
        out_.put_object(to_string(which), [&value](json_writer& out) {
            json_document_writer inner(out);
            describe(inner, value);
        });
    }

    json_writer& out_;
};

class json_document_reader {
public:
    static constexpr bool reads = true;
    json_document_reader(json_reader& in, document_fault& fault) : in_(in), fault_(fault) {}

    void fail(document_error why = document_error::malformed) {
        if (why == document_error::malformed) in_.fail();
        if (!fault_) fault_ = why;
    }

    void operator()(field which, auto& out) { in_.get(to_string(which), out); }
    template <typename Tag>
    void hex(field which, std::string_view /*prefix*/, identifier<Tag>& out) {
        operator()(which, out);
    }
    void encoded(field which, std::string& out) { operator()(which, out); }
    void encoded(field which, hash_list& out) {
        std::vector<std::string> values;
        operator()(which, values);
        out = values;
    }
    template <typename T>
    void object(field which, std::optional<T>& out) {
        in_.get_object(to_string(which), [&](json_reader& in) { take(in, out.emplace()); });
    }
    template <typename T>
    void object(field which, T& out) {
        in_.get_object(to_string(which), [&](json_reader& in) { take(in, out); });
    }
    template <typename T>
    void list(field which, std::vector<T>& out) {
        in_.get_each(to_string(which), out, [this](json_reader& in, T& value) { take(in, value); });
    }

private:
    template <typename T>
    void take(json_reader& in, T& out) {
        json_document_reader inner(in, fault_);
        describe(inner, out);
    }

    json_reader& in_;
    document_fault& fault_;
};

} // namespace countersign::core
