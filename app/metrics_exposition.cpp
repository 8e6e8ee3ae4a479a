#include "app/metrics_exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>

namespace countersign::app {

namespace {

using seconds = std::chrono::duration<double>;

prometheus::ClientMetric labelled(metric_labels labels) {
    prometheus::ClientMetric metric;
    for (auto& [name, value] : labels)
        metric.label.push_back({std::move(name), std::move(value)});
    return metric;
}

} // namespace

struct metrics_exposition::impl {
    std::vector<prometheus::MetricFamily> families;

    void begin(std::string name, std::string help, prometheus::MetricType type) {
        families.push_back({std::move(name), std::move(help), type, {}});
    }
};

metrics_exposition::metrics_exposition() : impl_(std::make_unique<impl>()) {}

metrics_exposition::~metrics_exposition() = default;

void metrics_exposition::begin_counter(std::string name, std::string help) {
    impl_->begin(std::move(name), std::move(help), prometheus::MetricType::Counter);
}

void metrics_exposition::begin_gauge(std::string name, std::string help) {
    impl_->begin(std::move(name), std::move(help), prometheus::MetricType::Gauge);
}

void metrics_exposition::begin_histogram(std::string name, std::string help) {
    impl_->begin(std::move(name), std::move(help), prometheus::MetricType::Histogram);
}

void metrics_exposition::add(metric_labels labels, double value) {
    auto metric = labelled(std::move(labels));
    metric.counter.value = metric.gauge.value = value; // the family's type says which is shown
    impl_->families.back().metric.push_back(std::move(metric));
}

void metrics_exposition::add(metric_labels labels,
                             const std::vector<const core::duration_histogram*>& parts) {
    auto metric = labelled(std::move(labels));
    auto& all = metric.histogram;
    const auto& bounds = core::duration_histogram::bounds;
    for (std::size_t place = 0; place <= bounds.size(); ++place) {
        for (const auto* part : parts)
            all.sample_count += part->count(place);
        if (place < bounds.size())
            all.bucket.push_back({all.sample_count, seconds(bounds[place]).count()});
    }
    for (const auto* part : parts)
        all.sample_sum += seconds(part->sum()).count();
    impl_->families.back().metric.push_back(std::move(metric));
}

std::string metrics_exposition::text() const {
    return prometheus::TextSerializer().Serialize(impl_->families);
}

} // namespace countersign::app
