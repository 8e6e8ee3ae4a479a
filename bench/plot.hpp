// Plots as SVG, without a library: lines over a logarithmic axis, and bars.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace countersign::bench {

struct plot_line {
    std::string name;
    std::vector<std::pair<double, double>> points; // x above 0
};

struct line_plot {
    std::string title, x_name, y_name;
    std::vector<plot_line> lines;
    bool logarithmic_y = false;
};
[[nodiscard]] std::string draw(const line_plot& plot);

struct bar_plot {
    std::string title, unit;
    std::vector<std::pair<std::string, double>> bars;
};
[[nodiscard]] std::string draw(const bar_plot& plot);

// With spaces between thousands, and no more digits than say something.
[[nodiscard]] std::string readable(double value);

} // namespace countersign::bench
