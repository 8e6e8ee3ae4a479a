#include "notify/colour.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace countersign::notify {
namespace {

int hex_digit(char letter) noexcept {
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    if (letter >= 'a' && letter <= 'f') {
        return letter - 'a' + 10;
    }
    return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

// WCAG 2.2, "relative luminance".
double linear(std::uint8_t channel) noexcept {
    const double share = channel / 255.0;
    return share <= 0.04045 ? share / 12.92 : std::pow((share + 0.055) / 1.055, 2.4);
}

double luminance(colour value) noexcept {
    return 0.2126 * linear(value.red) + 0.7152 * linear(value.green) + 0.0722 * linear(value.blue);
}

std::uint8_t towards_white(std::uint8_t channel, int percent) noexcept {
    return static_cast<std::uint8_t>(channel + (255 - channel) * percent / 100);
}

} // namespace

std::optional<colour> colour::parse(std::string_view text) noexcept {
    if (text.size() != 7 || text.front() != '#') {
        return std::nullopt;
    }
    std::array<std::uint8_t, 3> channels{};
    for (std::size_t index = 0; index < channels.size(); ++index) {
        const int high = hex_digit(text[1 + 2 * index]);
        const int low = hex_digit(text[2 + 2 * index]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        channels[index] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return colour{channels[0], channels[1], channels[2]};
}

std::string colour::text() const {
    std::array<char, 8> out{};
    std::snprintf(out.data(), out.size(), "#%02x%02x%02x", red, green, blue);
    return out.data();
}

double contrast(colour one, colour other) noexcept {
    const auto [darker, lighter] = std::minmax({luminance(one), luminance(other)});
    return (lighter + 0.05) / (darker + 0.05);
}

colour text_colour_on(colour background) noexcept {
    return contrast(white, background) >= text_contrast_min ? white : black;
}

colour lightened_over(colour background, colour value) noexcept {
    for (int percent = 0; percent < 100; ++percent) {
        const colour mixed{towards_white(value.red, percent), towards_white(value.green, percent),
                           towards_white(value.blue, percent)};
        if (contrast(mixed, background) >= shape_contrast_min) {
            return mixed;
        }
    }
    return white;
}

} // namespace countersign::notify
