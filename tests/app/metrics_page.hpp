// A page of metrics as Prometheus reads it, and stricter: what its text format (version 0.0.4)
// leaves to chance is an error here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace countersign::tests {

struct metric_family {
    std::string type, help;
    std::map<std::string, double> samples; // by name and labels: `x_total{a="1"}`
};

class metrics_page {
public:
    // Throws std::runtime_error, with the line, if the text is not what it should be.
    explicit metrics_page(const std::string& text);

    // Of `name{labels}` as it stands on the page. Throws if there is none.
    [[nodiscard]] double value(const std::string& sample) const;
    [[nodiscard]] bool has(const std::string& sample) const;
    [[nodiscard]] const std::map<std::string, metric_family>& families() const { return families_; }
    // What differs from `earlier`, by sample.
    [[nodiscard]] std::map<std::string, double> since(const metrics_page& earlier) const;

private:
    std::map<std::string, metric_family> families_;
    std::map<std::string, double> all_;
};

// By GET /metrics; throws if the answer is not 200 with the format's content type.
[[nodiscard]] metrics_page scrape(std::uint16_t port);

} // namespace countersign::tests
