#include "app/toml.hpp"

#include "app/setting_table.hpp"

#include <gtest/gtest.h>

namespace countersign::app {
namespace {

// All entries as `name=value|value;`.
std::string read(std::string_view text) {
    const auto entries = read_toml(text);
    if (!entries) return std::to_string(entries.error().line) + ": " + entries.error().sentence;
    std::string out;
    for (const auto& entry : *entries) {
        out += entry.name + (entry.is_array ? "=[" : "=");
        for (std::size_t i = 0; i < entry.values.size(); ++i)
            out += (i > 0 ? "|" : "") + entry.values[i];
        out += entry.is_array ? "];" : ";";
    }
    return out;
}

TEST(Toml, TablesAndDottedKeys_GiveTheSameNames) {
    EXPECT_EQ(read("[mail]\nurl = \"x\""), "mail.url=x;");
    EXPECT_EQ(read("mail.url = \"x\"\n"), "mail.url=x;");
    EXPECT_EQ(read("[policy.alerts]\r\nnew_login = false # so\r\n\n[ a . \"b\" ]\n'c' = 1"),
              "policy.alerts.new_login=false;a.b.c=1;");
}

TEST(Toml, HashInAText_BeginsNoComment) {
    EXPECT_EQ(read("url = \"smtp://u:p#w@h\" # the rest"), "url=smtp://u:p#w@h;");
}

TEST(Toml, Texts_AreReadWithTheirEscapes) {
    EXPECT_EQ(read(R"(a = "q\" b\\ \u00e4 \U0001F600, = [x]")"), "a=q\" b\\ ä 😀, = [x];");
    EXPECT_EQ(read(R"(a = 'C:\dir"')"), R"(a=C:\dir";)");
    EXPECT_EQ(read("a = \"\""), "a=;");
}

TEST(Toml, Numbers_MayHaveSignsAndUnderscores) {
    EXPECT_EQ(read("a = 1_000\nb = -5\nc = +0"), "a=1000;b=-5;c=0;");
}

TEST(Toml, Arrays_MayHaveSeveralLinesAndComments) {
    EXPECT_EQ(read("a = [\n  'x', # one\n\n  \"y\",\n]\nb = []\nc = [1]"), "a=[x|y];b=[];c=[1];");
}

TEST(Toml, EveryError_NamesItsLine) {
    EXPECT_EQ(read("a = 1\nb = 2\na = 3"), "3: a is already given in line 1");
    EXPECT_EQ(read("[mail]\nurl = 'x'\n[mail]"), "3: the table [mail] is there twice");
    EXPECT_EQ(read("\n\na = 'x\nb = 1"), "3: a text is not closed on its line");
    EXPECT_EQ(read("a = [1,\n2"), "2: the array of a is not closed by ]");
    EXPECT_EQ(read("a = 1 2"), "1: there is more after the value than a comment");
}

TEST(Toml, WhatSettingsDoNotNeed_IsRefused) {
    for (const auto* wrong : {"a = bare",
                              "a = 1.5",
                              "a = 2026-01-01",
                              "a = {b = 1}",
                              "[[a]]",
                              "a = \"\"\"x\"\"\"",
                              "a",
                              "a =",
                              "= 1",
                              "[a",
                              "[]",
                              "a = 007",
                              "a = 1__0",
                              "a = \"\\x\"",
                              "a = \"\\ud800\"",
                              "a = \"\\u12\"",
                              "a = [1 2]",
                              "a = [1,,2]",
                              "a = \"\x01\"",
                              "a = '\xff'",
                              "a..b = 1",
                              "a = TRUE",
                              "; a = 1",
                              "a = [[1]]",
                              "[a] b = 1",
                              "a = [",
                              "a = \"",
                              "a = \"\\"})
        EXPECT_FALSE(read_toml(wrong)) << wrong;
}

TEST(Toml, ASettingShownAsALine_ReadsBackWhateverItHolds) {
    const auto* const row = find_setting("app.name");
    ASSERT_NE(row, nullptr);
    const std::string value = "a\n\"b\" \\ \t\x7f # c";
    const auto read = read_toml(toml_line(*row, value));
    ASSERT_TRUE(read.has_value());
    ASSERT_EQ(read->size(), 1U);
    EXPECT_EQ(read->front().values, std::vector<std::string>{value});
}

} // namespace
} // namespace countersign::app
