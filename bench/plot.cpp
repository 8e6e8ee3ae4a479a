#include "bench/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace countersign::bench {

namespace {

constexpr double width = 720, height = 400;
constexpr double left = 80, right = 150, top = 44, bottom = 52; // margins
constexpr std::array<std::string_view, 6> colours{"#1f5fbf", "#c8501e", "#2e8b57",
                                                  "#8a4fbf", "#b8860b", "#555555"};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        if (letter == '<')
            out += "&lt;";
        else if (letter == '&')
            out += "&amp;";
        else
            out += letter;
    }
    return out;
}

std::string begin_svg(std::string_view title, double tall) {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n"
        "<text x=\"{2}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{3}</text>\n",
        width, tall, 16, escaped(title));
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" "
                       "fill=\"#333333\">{}</text>\n",
                       x, y, anchor, escaped(text));
}

// The smallest of 1, 2 and 5 times a power of ten that is not below.
double round_up(double value) {
    const auto power = std::pow(10.0, std::floor(std::log10(value)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (factor * power >= value) return factor * power;
    return 10 * power;
}

// From a figure to a place between 0 and 1.
struct scale {
    double least = 0, most = 1;
    bool logarithmic = false;

    [[nodiscard]] double place(double value) const {
        if (!logarithmic) return (value - least) / (most - least);
        const auto span = std::max(std::log10(most / least), 1e-9);
        return std::log10(std::max(value, least) / least) / span;
    }
    [[nodiscard]] std::vector<double> marks() const {
        std::vector<double> out;
        if (logarithmic) {
            for (auto power = std::pow(10.0, std::floor(std::log10(least))); power <= most * 1.001;
                 power *= 10)
                if (power >= least * 0.999) out.push_back(power);
            return out;
        }
        const auto distance = round_up((most - least) / 5);
        for (double at = least; at <= most * 1.001; at += distance)
            out.push_back(at);
        return out;
    }
};

} // namespace

std::string readable(double value) {
    if (value == 0) return "0";
    const auto size = std::abs(value);
    auto text = size >= 100 || value == std::round(value) ? fmt::format("{:.0f}", value)
                : size >= 10                              ? fmt::format("{:.1f}", value)
                                                          : fmt::format("{:.2f}", value);
    if (size >= 10'000) text = fmt::format("{:.0f}", std::round(value / 100) * 100);
    const auto whole = std::min(text.find('.'), text.size());
    for (auto at = whole; at > 3 + (value < 0 ? 1U : 0U); at -= 3)
        text.insert(at - 3, " ");
    return text;
}

std::string draw(const line_plot& plot) {
    scale across{.least = 1e300, .most = 0, .logarithmic = true};
    scale up{.least = plot.logarithmic_y ? 1e300 : 0, .most = 0, .logarithmic = plot.logarithmic_y};
    for (const auto& line : plot.lines)
        for (const auto& [x, y] : line.points) {
            across.least = std::min(across.least, x);
            across.most = std::max(across.most, x);
            up.most = std::max(up.most, y);
            if (plot.logarithmic_y && y > 0) up.least = std::min(up.least, y);
        }
    if (up.most <= 0) up.most = 1;
    up.most =
        plot.logarithmic_y ? std::pow(10.0, std::ceil(std::log10(up.most))) : round_up(up.most);
    if (plot.logarithmic_y) up.least = std::pow(10.0, std::floor(std::log10(up.least)));
    const auto x_of = [&](double x) { return left + across.place(x) * (width - left - right); };
    const auto y_of = [&](double y) {
        return height - bottom - up.place(y) * (height - top - bottom);
    };

    auto svg = begin_svg(plot.title, height);
    for (const auto mark : up.marks()) {
        svg += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" "
                           "stroke=\"#dddddd\"/>\n",
                           left, width - right, y_of(mark), y_of(mark));
        svg += text_at(left - 8, y_of(mark) + 4, "end", readable(mark));
    }
    std::vector<double> shown;
    for (const auto& line : plot.lines)
        for (const auto& [x, y] : line.points)
            if (std::ranges::find(shown, x) == shown.end()) {
                shown.push_back(x);
                svg += text_at(x_of(x), height - bottom + 18, "middle", readable(x));
            }
    svg += text_at((left + width - right) / 2, height - 12, "middle", plot.x_name);
    svg += text_at(left - 8, top - 6, "end", plot.y_name);
    for (std::size_t at = 0; at < plot.lines.size(); ++at) {
        const auto& line = plot.lines[at];
        const auto colour = colours[at % colours.size()];
        std::string path;
        for (const auto& [x, y] : line.points) {
            path += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
            svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n",
                               x_of(x), y_of(y), colour);
        }
        svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" "
                           "stroke-width=\"2\"/>\n",
                           path, colour);
        const auto y = top + 18 * static_cast<double>(at) + 8;
        svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{}\"/>\n",
                           width - right + 12, y - 6, colour);
        svg += text_at(width - right + 30, y, "start", line.name);
    }
    return svg + "</svg>\n";
}

std::string draw(const bar_plot& plot) {
    constexpr double row = 30, names = 240, figures = 110;
    const auto tall = top + row * static_cast<double>(plot.bars.size()) + 16;
    double most = 0;
    for (const auto& [name, value] : plot.bars)
        most = std::max(most, value);
    auto svg = begin_svg(plot.title, tall);
    for (std::size_t at = 0; at < plot.bars.size(); ++at) {
        const auto& [name, value] = plot.bars[at];
        const auto y = top + row * static_cast<double>(at);
        const auto length = most > 0 ? value / most * (width - names - figures) : 0;
        svg += text_at(names - 8, y + 16, "end", name);
        svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"20\" "
                           "fill=\"{}\"/>\n",
                           names, y + 1, std::max(length, 1.0), colours[at % colours.size()]);
        svg += text_at(names + length + 8, y + 16, "start",
                       readable(value) + (plot.unit.empty() ? "" : " " + plot.unit));
    }
    return svg + "</svg>\n";
}

} // namespace countersign::bench
