// Reading and writing the members of a stored JSON object, with one rule: a member that has its
// type's empty value is left out, and a member that is absent reads as empty. A reader counts what
// it took, so that leftovers (written by a newer version) are noticed.
#pragma once

#include "core/types.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

// With its quotes, escaped as RFC 8259 section 7 asks for and no further. `value` is UTF-8.
void append_json_string(std::string& text, std::string_view value);
void append_json_number(std::string& text, std::int64_t value);

// Appends one object's members to a text, without a tree in between. Keys are ours and need no
// escaping.
class json_writer {
public:
    // `text` outlives it; nothing else writes to it until finish().
    explicit json_writer(std::string& text) : text_(text) { text_ += '{'; }
    void finish() { text_ += '}'; }

    void put(std::string_view key, std::string_view value) {
        if (value.empty()) return;
        begin(key);
        append_json_string(text_, value);
    }
    void put(std::string_view key, const std::string& value) { put(key, std::string_view(value)); }
    void put(std::string_view key, const char* value) { put(key, std::string_view(value)); }
    template <typename Tag>
    void put(std::string_view key, const identifier<Tag>& value) {
        put(key, std::string_view(value.value()));
    }
    void put(std::string_view key, std::integral auto value) {
        if (value == 0) return;
        begin(key);
        append_json_number(text_, static_cast<std::int64_t>(value));
    }
    void put(std::string_view key, bool value) {
        if (!value) return;
        begin(key);
        text_ += "true";
    }
    void put(std::string_view key, unix_time value) { put(key, value.time_since_epoch().count()); }
    template <typename T>
    void put(std::string_view key, const std::optional<T>& value) {
        if (value) put(key, *value);
    }
    void put(std::string_view key, const std::vector<std::string>& values) {
        put_list(key, values,
                 [this](const std::string& value) { append_json_string(text_, value); });
    }
    // A list of objects, each written by `write(json_writer&, element)`.
    template <typename T, typename Write>
    void put_each(std::string_view key, const std::vector<T>& values, Write write) {
        put_list(key, values, [this, &write](const T& value) {
            json_writer element(text_);
            write(element, value);
            element.finish();
        });
    }
    // An object, written by `write(json_writer&)`.
    template <typename Write>
    void put_object(std::string_view key, Write write) {
        begin(key);
        json_writer inner(text_);
        write(inner);
        inner.finish();
    }

private:
    void separate(bool& first) {
        if (!first) text_ += ',';
        first = false;
    }
    void begin(std::string_view key) {
        separate(first_);
        text_ += '"';
        text_ += key;
        text_ += "\":";
    }
    template <typename T, typename Append>
    void put_list(std::string_view key, const std::vector<T>& values, Append append) {
        if (values.empty()) return;
        begin(key);
        text_ += '[';
        bool first = true;
        for (const auto& value : values) {
            separate(first);
            append(value);
        }
        text_ += ']';
    }

    std::string& text_;
    bool first_ = true;
};

class json_reader {
public:
    explicit json_reader(const boost::json::object& object)
        : object_(object), next_(object.begin()) {}

    // False after the first member of a wrong type; later reads change nothing.
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    void fail() noexcept { ok_ = false; }
    // True if every member of the object was asked for.
    [[nodiscard]] bool complete() const noexcept { return taken_ == object_.size(); }

    void get(std::string_view key, std::string& out) {
        if (const auto* value = find(key)) {
            if (const auto* text = value->if_string())
                out.assign(text->data(), text->size());
            else
                fail();
        }
    }
    template <typename Tag>
    void get(std::string_view key, identifier<Tag>& out) {
        std::string text;
        get(key, text);
        out = identifier<Tag>(std::move(text));
    }
    void get(std::string_view key, bool& out) {
        if (const auto* value = find(key)) {
            if (const auto* flag = value->if_bool())
                out = *flag;
            else
                fail();
        }
    }
    template <std::integral T>
    void get(std::string_view key, T& out) {
        if (const auto* value = find(key)) {
            const auto* number = value->if_int64();
            if (number != nullptr && std::in_range<T>(*number))
                out = static_cast<T>(*number);
            else
                fail();
        }
    }
    void get(std::string_view key, unix_time& out) {
        std::int64_t count = 0;
        get(key, count);
        out = unix_time(milliseconds(count));
    }
    template <typename T>
    void get(std::string_view key, std::optional<T>& out) {
        if (!object_.contains(key)) return;
        T value{};
        get(key, value);
        out = std::move(value);
    }
    void get(std::string_view key, std::vector<std::string>& out) {
        const auto* list = find_list(key);
        if (list == nullptr) return;
        out.reserve(list->size());
        for (const auto& element : *list) {
            if (const auto* text = element.if_string())
                out.emplace_back(text->data(), text->size());
            else
                fail();
        }
    }
    // A list of objects, each read by `read(json_reader&, element)`.
    template <typename T, typename Read>
    void get_each(std::string_view key, std::vector<T>& out, Read read) {
        const auto* list = find_list(key);
        if (list == nullptr) return;
        out.reserve(list->size());
        for (const auto& element : *list) {
            if (!element.is_object()) return fail();
            json_reader inner(element.get_object());
            read(inner, out.emplace_back());
            if (!inner.ok() || !inner.complete()) fail();
        }
    }
    template <typename Read>
    void get_object(std::string_view key, Read read) {
        const auto* value = find(key);
        if (value == nullptr) return;
        if (!value->is_object()) return fail();
        json_reader inner(value->get_object());
        read(inner);
        if (!inner.ok() || !inner.complete()) fail();
    }

private:
    // Members are mostly asked for in the order in which they were written.
    const boost::json::value* find(std::string_view key) {
        if (complete()) return nullptr;
        auto at = next_;
        if (at == object_.end() || at->key() != key) at = object_.find(key);
        if (at == object_.end()) return nullptr;
        ++taken_;
        next_ = at + 1;
        return &at->value();
    }
    const boost::json::array* find_list(std::string_view key) {
        const auto* value = find(key);
        if (value == nullptr) return nullptr;
        if (const auto* list = value->if_array()) return list;
        fail();
        return nullptr;
    }

    const boost::json::object& object_;
    boost::json::object::const_iterator next_; // behind the member that was taken last
    std::size_t taken_ = 0;
    bool ok_ = true;
};

} // namespace countersign::core
