// Colours of mails, and whether text can be read on them (WCAG 2.2, success criteria 1.4.3 and
// 1.4.11).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::notify {

// sRGB.
struct colour {
    std::uint8_t red = 0, green = 0, blue = 0;

    // `#rrggbb`, in any case, and nothing else.
    [[nodiscard]] static std::optional<colour> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string text() const; // `#rrggbb`, in lower case

    friend bool operator==(const colour&, const colour&) = default;
};
inline constexpr colour white{255, 255, 255};
inline constexpr colour black{0, 0, 0};

inline constexpr double text_contrast_min = 4.5;  // 1.4.3, level AA
inline constexpr double shape_contrast_min = 3.0; // 1.4.11

// From 1 (the same) to 21 (black and white), whichever comes first.
[[nodiscard]] double contrast(colour one, colour other) noexcept;
// White where it is read well enough, else black: one of the two always is.
[[nodiscard]] colour text_colour_on(colour background) noexcept;
// The colour itself if it stands out from the background as a shape must, else the same one mixed
// with as much white as that takes. The background is a dark one.
[[nodiscard]] colour lightened_over(colour background, colour value) noexcept;

} // namespace countersign::notify
