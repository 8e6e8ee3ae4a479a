#include "notify/catalogue.hpp"

#include "core/event.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace countersign::tests {
namespace {

using notify::argument;
using notify::catalogues;

core::unix_time sample_time() {
    using namespace std::chrono;
    return sys_days(2026y / January / 2) + 15h + 4min + 5s;
}

TEST(Catalogues, EveryLanguageSaysWhatEnglishSays) {
    const auto texts = catalogues::embedded("en");
    ASSERT_GE(texts.languages().size(), 2U);
    const auto expected = texts.keys("en");
    for (const auto& language : texts.languages()) {
        EXPECT_EQ(texts.keys(language), expected) << language;
        for (const auto& key : expected) {
            EXPECT_EQ(texts.argument_names(language, key), texts.argument_names("en", key))
                << language << " " << key;
        }
    }
}

TEST(Catalogues, EveryEventHasItsTexts) {
    const auto texts = catalogues::embedded("en");
    const auto keys = texts.keys("en");
    for (std::size_t index = 0; index < core::event_type_count; ++index) {
        const std::string type(core::to_string(static_cast<core::event_type>(index)));
        for (const auto* part : {".subject", ".heading", ".body", ".advice"}) {
            EXPECT_TRUE(std::ranges::count(keys, type + part) == 1) << type << part;
        }
    }
}

TEST(Catalogues, ASubject_HoldsNoSecretAndNothingOfTheUsers) {
    const auto texts = catalogues::embedded("en");
    for (const auto& language : texts.languages()) {
        for (const auto& key : texts.keys(language)) {
            if (!key.ends_with(".subject")) {
                continue;
            }
            for (const auto& name : texts.argument_names(language, key)) {
                EXPECT_EQ(name, "app_name") << language << " " << key;
            }
        }
    }
}

TEST(Catalogues, ALocale_FallsBackToItsLanguageThenTheDefaultThenEnglishThenTheKey) {
    const auto made = catalogues::from_json({{"en", R"({"a":"en a","b":"en b","c":"en c"})"},
                                             {"de", R"({"a":"de a","b":"de b"})"},
                                             {"de-at", R"({"a":"de-at a"})"}},
                                            "de");
    ASSERT_TRUE(made);
    const auto& texts = made.unsafe_value();
    EXPECT_EQ(texts.text("de_AT", "a", {}), "de-at a");
    EXPECT_EQ(texts.text("de-AT", "b", {}), "de b");
    EXPECT_EQ(texts.text("de-CH-1996", "a", {}), "de a");
    EXPECT_EQ(texts.text("fr", "a", {}), "de a");
    EXPECT_EQ(texts.text("", "c", {}), "en c");
    EXPECT_EQ(texts.text("en-GB", "a", {}), "en a");
    EXPECT_EQ(texts.text("../../etc", "nothing", {}), "nothing");
    EXPECT_EQ(texts.language_of("de-CH"), "de");
}

TEST(Catalogues, NumbersAndTimes_AreWrittenAsTheLanguageDoes) {
    const auto made = catalogues::from_json(
        {{"en", R"({"t":"{when}","n":"{n, plural, one {# code} other {# codes}}"})"},
         {"de", R"({"t":"{when}"})"}},
        "en");
    ASSERT_TRUE(made);
    const auto& texts = made.unsafe_value();
    const std::vector<argument> one{{"n", std::int64_t{1}}, {"when", sample_time()}};
    const std::vector<argument> two{{"n", std::int64_t{2}}, {"when", sample_time()}};
    EXPECT_EQ(texts.text("en", "n", one), "1 code");
    EXPECT_EQ(texts.text("en", "n", two), "2 codes");
    EXPECT_EQ(texts.text("en", "t", one), "January 2, 2026 at 3:04:05 PM UTC");
    EXPECT_EQ(texts.text("de", "t", one), "2. Januar 2026 um 15:04:05 UTC");
}

TEST(Catalogues, AnArgumentsOwnBraces_AreText) {
    const auto made = catalogues::from_json({{"en", R"({"g":"Hello {name},"})"}}, "en");
    ASSERT_TRUE(made);
    EXPECT_EQ(made.unsafe_value().text("en", "g", {{"name", std::string("{x} '{' #")}}),
              "Hello {x} '{' #,");
}

TEST(Catalogues, ABrokenPattern_IsNamed) {
    const auto made = catalogues::from_json({{"xx", R"({"k":"{open"})"}}, "en");
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().find("xx: `k`"), std::string::npos);
}

} // namespace
} // namespace countersign::tests
