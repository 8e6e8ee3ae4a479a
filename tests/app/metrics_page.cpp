#include "tests/app/metrics_page.hpp"

#include "tests/support/http_client.hpp"

#include <cmath>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace countersign::tests {

namespace {

[[noreturn]] void refuse(const std::string& line, const std::string& why) {
    throw std::runtime_error("not a page of metrics: " + why + ": " + line);
}

double number(const std::string& line, const std::string& text) {
    std::size_t used = 0;
    double value = 0;
    try {
        value = std::stod(text, &used);
    } catch (const std::exception&) {
        refuse(line, "no number");
    }
    if (used != text.size()) refuse(line, "no number");
    return value;
}

struct sample {
    std::string name, labels; // labels without braces
    double value = 0;
};

sample parse_sample(const std::string& line) {
    static const std::string label = R"re([a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")re";
    static const std::regex whole("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(" + label + "(?:," + label +
                                  R"re()*)\})? (\S+))re");
    std::smatch parts;
    if (!std::regex_match(line, parts, whole)) refuse(line, "no sample");
    return {parts[1], parts[2], number(line, parts[3])};
}

// The labels without `le`, and the bound.
std::pair<std::string, double> split_bound(const std::string& line, const std::string& labels) {
    static const std::regex last(R"re((.*?),?le="([^"]+)")re");
    std::smatch parts;
    if (!std::regex_match(labels, parts, last)) refuse(line, "a bucket without its bound");
    return {parts[1], parts[2] == "+Inf" ? HUGE_VAL : number(line, parts[2])};
}

// Buckets in the order of the page, by the other labels.
using buckets = std::map<std::string, std::vector<std::pair<double, double>>>;

void check_histogram(const std::string& name, const metric_family& family, const buckets& all) {
    for (const auto& [labels, list] : all) {
        const auto of = [&](const char* suffix) {
            const auto found =
                family.samples.find(name + suffix + (labels.empty() ? "" : "{" + labels + "}"));
            if (found == family.samples.end()) refuse(name, "a histogram without " + labels);
            return found->second;
        };
        for (std::size_t i = 1; i < list.size(); ++i)
            if (list[i].first <= list[i - 1].first || list[i].second < list[i - 1].second)
                refuse(name, "buckets that do not grow");
        if (!std::isinf(list.back().first)) refuse(name, "no bucket for what is left");
        if (list.back().second != of("_count")) refuse(name, "a count that is not the last bucket");
        if (of("_sum") < 0) refuse(name, "a negative sum");
    }
    if (family.samples.size() % (all.empty() ? 1 : all.size()) != 0) refuse(name, "odd samples");
}

} // namespace

metrics_page::metrics_page(const std::string& text) {
    if (text.empty() || text.back() != '\n') refuse(text, "no line feed at the end");
    std::istringstream lines(text);
    std::string name, help_of;
    buckets seen;
    const auto close = [&] {
        if (name.empty()) return;
        const auto& family = families_.at(name);
        if (family.samples.empty()) refuse(name, "a family without samples");
        if (family.type == "histogram") check_histogram(name, family, seen);
        seen.clear();
    };
    static const std::regex help_line(R"re(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*))re");
    static const std::regex type_line(
        R"re(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram))re");
    for (std::string line, help; std::getline(lines, line);) {
        std::smatch parts;
        if (std::regex_match(line, parts, help_line)) {
            close();
            name.clear();
            help_of = parts[1];
            help = parts[2];
            if (families_.contains(help_of)) refuse(line, "a family for the second time");
            continue;
        }
        if (std::regex_match(line, parts, type_line)) {
            name = parts[1];
            if (name != help_of) refuse(line, "a type without its help");
            families_[name] = {parts[2], help, {}};
            if ((parts[2] == "counter") != name.ends_with("_total"))
                refuse(line, "_total is the ending of counters");
            continue;
        }
        const auto found = parse_sample(line);
        if (name.empty()) refuse(line, "a sample without a family");
        auto& family = families_.at(name);
        const auto suffix = found.name.substr(std::min(name.size(), found.name.size()));
        const bool of_histogram = suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
        if (!found.name.starts_with(name) ||
            !(family.type == "histogram" ? of_histogram : suffix.empty()))
            refuse(line, "a sample of another family");
        if (family.type == "counter" && !(found.value >= 0)) refuse(line, "a negative count");
        if (suffix == "_bucket") {
            const auto [labels, bound] = split_bound(line, found.labels);
            seen[labels].emplace_back(bound, found.value);
        }
        const auto key = found.name + (found.labels.empty() ? "" : "{" + found.labels + "}");
        if (!family.samples.emplace(key, found.value).second) refuse(line, "a sample twice");
        all_.emplace(key, found.value);
    }
    close();
}

double metrics_page::value(const std::string& sample) const {
    const auto found = all_.find(sample);
    if (found == all_.end()) throw std::runtime_error("the page has no " + sample);
    return found->second;
}

bool metrics_page::has(const std::string& sample) const {
    return all_.contains(sample);
}

std::map<std::string, double> metrics_page::since(const metrics_page& earlier) const {
    std::map<std::string, double> changed;
    for (const auto& [sample, now] : all_) {
        const double before = earlier.has(sample) ? earlier.value(sample) : 0;
        if (now != before) changed.emplace(sample, now - before);
    }
    return changed;
}

metrics_page scrape(std::uint16_t port) {
    const auto response = http_request(port, "GET", "/metrics");
    if (response.status != 200 ||
        response.header("Content-Type") != "text/plain; version=0.0.4; charset=utf-8")
        throw std::runtime_error("no metrics: " + std::to_string(response.status) + " " +
                                 response.body);
    return metrics_page(response.body);
}

} // namespace countersign::tests
