// Metric families as Prometheus' text format has them: families are begun one after the other, and
// get their values. The one unit that knows the Prometheus library.
#pragma once

#include "core/counter.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::app {

using metric_labels = std::vector<std::pair<std::string, std::string>>;

class metrics_exposition {
public:
    metrics_exposition();
    ~metrics_exposition();
    metrics_exposition(const metrics_exposition&) = delete;
    metrics_exposition& operator=(const metrics_exposition&) = delete;

    // Each begins a family. Names by Prometheus' conventions: the unit last, `_total` of a counter.
    void begin_counter(std::string name, std::string help);
    void begin_gauge(std::string name, std::string help);
    void begin_histogram(std::string name, std::string help); // in seconds

    // Into the family begun last, which is of that type.
    void add(metric_labels labels, double value);
    // The sum of them.
    void add(metric_labels labels, const std::vector<const core::duration_histogram*>& parts);

    [[nodiscard]] std::string text() const;
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::app
