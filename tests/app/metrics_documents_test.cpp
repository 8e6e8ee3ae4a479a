// What docs/operations.md says about the metrics, held against a page of them.
#include "tests/app/metrics_page.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace countersign::tests {
namespace {

std::string operations() {
    std::ifstream file(std::string(COUNTERSIGN_SOURCE_DIR) + "/docs/operations.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

// The blocks of YAML, in their order.
std::vector<YAML::Node> yaml_blocks(const std::string& text) {
    const std::string opening = "```yaml\n", closing = "\n```";
    std::vector<YAML::Node> blocks;
    for (auto begin = text.find(opening); begin != std::string::npos;
         begin = text.find(opening, begin)) {
        begin += opening.size();
        blocks.push_back(YAML::Load(text.substr(begin, text.find(closing, begin) - begin)));
    }
    return blocks;
}

metrics_page page_of_a_server() {
    const scene stage(COUNTERSIGN_PROGRAM, {{"metrics.listen", "127.0.0.1:0"}});
    std::smatch found;
    const auto log = stage.server.log();
    if (!std::regex_search(log, found, std::regex(R"re(http://127\.0\.0\.1:(\d+)/metrics)re")))
        throw std::runtime_error("no metrics are served");
    return scrape(static_cast<std::uint16_t>(std::stoi(found[1])));
}

// The names of the labels in `x{a="1",b="2"}`, without the bound of a bucket.
std::set<std::string> labels_of(const std::string& sample) {
    static const std::regex label(R"re(([a-z_]+)="[^"]*")re");
    std::set<std::string> names;
    for (std::sregex_iterator each(sample.begin(), sample.end(), label), end; each != end; ++each)
        if ((*each)[1] != "le") names.insert((*each)[1]);
    return names;
}

TEST(MetricsDocuments, TheTableHasEveryMetric_WithItsTypeAndLabels) {
    std::map<std::string, std::string> documented, served;
    const auto text = operations();
    static const std::regex row(
        R"re(\n\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([a-z`, ]*) ?\|)re");
    for (std::sregex_iterator each(text.begin(), text.end(), row), end; each != end; ++each) {
        std::string labels;
        const std::string given = (*each)[3];
        static const std::regex name("`([a-z_]+)`");
        std::set<std::string> names;
        for (std::sregex_iterator one(given.begin(), given.end(), name); one != end; ++one)
            names.insert((*one)[1]);
        for (const auto& one : names)
            labels += " " + one;
        documented[(*each)[1]] = (*each)[2].str() + labels;
    }
    const auto page = page_of_a_server();
    for (const auto& [name, family] : page.families()) {
        std::set<std::string> names;
        for (const auto& [sample, value] : family.samples)
            names.merge(labels_of(sample));
        std::string labels;
        for (const auto& one : names)
            labels += " " + one;
        served[name] = family.type + labels;
    }
    EXPECT_EQ(documented, served);
}

// Without the contents of strings, which are labels' values.
std::string without_strings(const std::string& expression) {
    return std::regex_replace(expression, std::regex(R"("[^"]*")"), "\"\"");
}

TEST(MetricsDocuments, EveryRuleCanBeRead_AndAsksForWhatThereIs) {
    const auto blocks = yaml_blocks(operations());
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(blocks[0]["scrape_configs"][0]["job_name"].as<std::string>(), "countersign");
    const auto rules = blocks[1]["groups"][0]["rules"];
    ASSERT_GE(rules.size(), 7U);

    const auto page = page_of_a_server();
    std::set<std::string> names;
    for (const auto& rule : rules) {
        const auto name = rule["alert"].as<std::string>();
        EXPECT_TRUE(names.insert(name).second) << name;
        EXPECT_FALSE(rule["annotations"]["summary"].as<std::string>().empty()) << name;
        const auto expression = rule["expr"].as<std::string>();
        static const std::regex word("(countersign|process)_[a-z_]+");
        const auto bare = without_strings(expression);
        for (std::sregex_iterator each(bare.begin(), bare.end(), word), end; each != end; ++each)
            EXPECT_TRUE(page.families().contains(each->str())) << name << ": " << each->str();
        // Each value that a label is compared with is on the page.
        static const std::regex chosen(R"re(([a-z]+)=~?"([^"]+)")re");
        for (std::sregex_iterator each(expression.begin(), expression.end(), chosen), end;
             each != end; ++each) {
            if ((*each)[1] == "job") continue;
            const std::regex wanted((*each)[1].str() + "=\"(" + (*each)[2].str() + ")\"");
            bool found = false;
            for (const auto& [of, family] : page.families())
                for (const auto& [sample, value] : family.samples)
                    found = found || std::regex_search(sample, wanted);
            EXPECT_TRUE(found) << name << ": " << each->str();
        }
    }
}

} // namespace
} // namespace countersign::tests
