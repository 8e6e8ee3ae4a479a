// The form of one part of a mail: fixed text with placeholders, `{{heading}}`. Read and checked
// once; filling it never looks at the values again, so none of them is taken for a placeholder.
#pragma once

#include <boost/system/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::notify {

enum class placeholder : std::uint8_t {
    // Words of ours, safe anywhere in a page.
    language,  // BCP 47
    direction, // `ltr` or `rtl`
    start,     // `left` or `right`: where lines begin
    end,
    accent, // `#rrggbb`
    accent_text,
    accent_dark, // in the dark scheme
    accent_dark_text,
    // Texts, safe as what an element holds, and nowhere else.
    logo,
    subject,
    heading,
    content,
    closing,
};
inline constexpr std::size_t placeholder_count = 13;

// By placeholder; of a page already HTML, with all that anybody chose escaped.
class placeholder_values {
public:
    std::string& operator[](placeholder which) { return texts_[static_cast<std::size_t>(which)]; }
    const std::string& operator[](placeholder which) const {
        return texts_[static_cast<std::size_t>(which)];
    }

private:
    std::array<std::string, placeholder_count> texts_;
};

struct template_piece {
    std::string text;               // and then
    std::optional<placeholder> gap; // none: the end
};

// Immutable: fill() may be called from any thread.
class mail_template {
public:
    // The errors are the end of a sentence that begins with the file's name, and say what to do.
    //
    // A page shows itself without loading anything: no scripts, no frames, no forms, and no
    // pictures or fonts but those that stand in it (data:image/…). Links may lead anywhere.
    [[nodiscard]] static boost::system::result<mail_template, std::string>
    of_page(std::string_view source);
    [[nodiscard]] static boost::system::result<mail_template, std::string>
    of_text(std::string_view source);

    [[nodiscard]] std::string fill(const placeholder_values& values) const;

private:
    explicit mail_template(std::vector<template_piece> pieces) : pieces_(std::move(pieces)) {}

    std::vector<template_piece> pieces_;
};

} // namespace countersign::notify
