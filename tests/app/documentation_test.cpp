// docs/configuration.md against the table: it lists exactly the settings, with their names in the
// environment, defaults and meanings, and its example is the complete file of the defaults.
#include "app/configuration.hpp"

#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

namespace countersign::app {
namespace {

std::string page() {
    return tests::read_all(std::filesystem::path(COUNTERSIGN_SOURCE_DIR) / "docs/configuration.md");
}

std::string expected_row(const setting& row) {
    const auto shown = row.show(settings{});
    return "| `" + row.name + "` | `" + environment_name(row.name) + "` | " +
           (shown.empty() ? "none" : "`" + shown + "`") + " | " + row.meaning + " |";
}

// The lines that begin so.
std::string lines_of(const std::string& text, const std::string& beginning) {
    std::istringstream in(text);
    std::string all;
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(beginning)) all += line + "\n";
    return all;
}

TEST(Documentation, Table_ListsExactlyTheSettings) {
    std::string expected;
    for (const auto& row : setting_table())
        expected += expected_row(row) + "\n";
    EXPECT_EQ(lines_of(page(), "| `"), expected) << "the table should be:\n" << expected;
}

TEST(Documentation, Example_IsEverySettingWithItsDefault) {
    const auto text = page();
    const std::string fence = "```toml\n";
    const auto begin = text.find(fence);
    ASSERT_NE(begin, std::string::npos);
    const auto example = text.substr(begin + fence.size(),
                                     text.find("```", begin + fence.size()) - begin - fence.size());
    std::string expected;
    for (const auto& row : setting_table())
        expected += toml_line(row, row.show(settings{})) + "\n";
    EXPECT_EQ(example, expected) << "the example should be:\n" << expected;

    const tests::temporary_directory directory;
    const auto file = directory.write("example.toml", example);
    const auto all = configure({.file = file, .environment = {}, .flags = {}});
    EXPECT_TRUE(all) << all.error().sentence;
}

} // namespace
} // namespace countersign::app
