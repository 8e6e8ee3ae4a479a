// The mails as their readers get them, language by language. catalogue_test.cpp holds the
// catalogues against each other.
#include "notify/catalogue.hpp"

#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::tests {
namespace {

using core::event_type;
using notify::catalogues;

constexpr std::string_view isolate_begin = "\u2068";
constexpr std::string_view isolate_end = "\u2069";

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

std::string isolated(std::string_view value) {
    return std::string(isolate_begin).append(value).append(isolate_end);
}

// What is read, without the style sheet's braces.
std::string page_of(const notify::mail& made) {
    const auto html = html_part(made.mime);
    return html.substr(0, html.find("<style>")) + html.substr(html.find("</style>"));
}

TEST(Languages, Shipped_AreThese) {
    EXPECT_EQ(catalogues::embedded("en").languages(),
              (std::vector<std::string>{"ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt",
                                        "tr", "zh"}));
}

TEST(Languages, EveryEvent_IsSaidInTheReadersLanguageInBothParts) {
    const auto texts = catalogues::embedded("en");
    const std::vector<notify::argument> app{{"app_name", std::string("Countersign")}};
    for (const auto& language : texts.languages()) {
        for (const auto type : all_event_types()) {
            SCOPED_TRACE(language + " " + std::string(core::to_string(type)));
            const auto made = rendered(sample_event(type, language));
            const auto text = text_part(made.mime);
            const auto page = page_of(made);
            const std::string name(core::to_string(type));
            const auto heading = texts.text(language, name + ".heading", {});

            EXPECT_TRUE(contains(page, "<h1>" + heading + "</h1>"));
            EXPECT_EQ(count(page, "lang=\"" + language + "\" dir="), 2U);
            EXPECT_FALSE(contains(text, "{")) << text;
            EXPECT_FALSE(contains(page, "{")) << page;
            if (language != "en") {
                EXPECT_EQ(header(made.mime, "Subject"),
                          texts.text(language, name + ".subject", app));
                EXPECT_FALSE(contains(page, "your "));
            }
        }
    }
}

TEST(Languages, NoTextIsLeftInEnglish) {
    const auto texts = catalogues::embedded("en");
    const auto at = core::unix_time{};
    const std::vector<notify::argument> arguments{{"app_name", std::string("A")},
                                                  {"name", std::string("N")},
                                                  {"recipient", std::string("R")},
                                                  {"old_email", std::string("O")},
                                                  {"new_email", std::string("E")},
                                                  {"browser", std::string("B")},
                                                  {"os", std::string("S")},
                                                  {"method", std::string("M")},
                                                  {"remaining", std::int64_t{2}},
                                                  {"minutes", std::int64_t{2}},
                                                  {"expires", at},
                                                  {"when", at}};
    for (const auto& language : texts.languages()) {
        for (const auto& key : texts.keys("en")) {
            // Labels and names of methods may well be the same words; sentences may not.
            if (language != "en" && !key.starts_with("fact.") && !key.starts_with("method.")) {
                EXPECT_NE(texts.text(language, key, arguments), texts.text("en", key, arguments))
                    << language << " " << key;
            }
        }
    }
}

std::string codes_left(const catalogues& texts, std::string_view language, std::int64_t remaining) {
    const auto body = texts.text(language, "recovery_code_used.body",
                                 {{"app_name", std::string("A")}, {"remaining", remaining}});
    return body.substr(body.find(". ") + 2);
}

TEST(Languages, CountsOfCodes_AreDeclinedAsTheLanguageDoes) {
    const auto texts = catalogues::embedded("en");
    const std::map<std::pair<std::string, std::int64_t>, std::string> expected{
        {{"pl", 0}, "Nie ma już żadnych kodów zapasowych: proszę wygenerować nowe."},
        {{"pl", 1}, "Pozostał 1 kod zapasowy."},
        {{"pl", 2}, "Pozostały 2 kody zapasowe."},
        {{"pl", 5}, "Pozostało 5 kodów zapasowych."},
        {{"pl", 12}, "Pozostało 12 kodów zapasowych."},
        {{"pl", 21}, "Pozostało 21 kodów zapasowych."},
        {{"pl", 22}, "Pozostały 22 kody zapasowe."},
        {{"ar", 0}, "لم يتبقَّ أي رمز احتياطي: يُرجى إنشاء رموز جديدة."},
        {{"ar", 1}, "تبقّى رمز احتياطي واحد."},
        {{"ar", 2}, "تبقّى رمزان احتياطيان."},
        {{"ar", 5}, "تبقّت 5 رموز احتياطية."},
        {{"ar", 21}, "تبقّى 21 رمزًا احتياطيًا."},
        {{"ar", 100}, "تبقّى 100 رمز احتياطي."},
        {{"fr", 1}, "Il vous reste 1 code de secours."},
        {{"fr", 2}, "Il vous reste 2 codes de secours."},
        {{"tr", 2}, "2 yedek kodunuz kaldı."},
    };
    for (const auto& [asked, sentence] : expected) {
        EXPECT_EQ(codes_left(texts, asked.first, asked.second), sentence)
            << asked.first << " " << asked.second;
    }
}

TEST(Languages, Minutes_AreDeclinedAsTheLanguageDoes) {
    const auto texts = catalogues::embedded("en");
    const std::map<std::pair<std::string, std::int64_t>, std::string> expected{
        {{"pl", 1}, " 1 minutę "},    {{"pl", 2}, " 2 minuty "},    {{"pl", 5}, " 5 minut "},
        {{"pl", 21}, " 21 minut "},   {{"ar", 1}, " دقيقة واحدة "}, {{"ar", 2}, " دقيقتين "},
        {{"ar", 5}, " 5 دقائق "},     {{"ar", 21}, " 21 دقيقة "},   {{"ja", 1}, " 1 分後"},
        {{"zh", 21}, " 21 分钟失效"},
    };
    for (const auto* event : {"one_time_code", "email_verification_code", "password_reset_code"}) {
        for (const auto& [asked, part] : expected) {
            const auto sentence =
                texts.text(asked.first, std::string(event) + ".expiry",
                           {{"minutes", asked.second}, {"expires", core::unix_time{}}});
            EXPECT_TRUE(contains(sentence, part)) << asked.first << " " << sentence;
        }
    }
}

TEST(Languages, ARegionOrScriptWithoutACatalogue_GetsItsLanguage) {
    const auto texts = catalogues::embedded("en");
    const std::map<std::string, std::string> expected{
        {"pt-BR", "pt"}, {"pt_PT", "pt"},      {"es-419", "es"},     {"fr-CA", "fr"},
        {"ar-EG", "ar"}, {"zh-Hans-CN", "zh"}, {"zh-Hant-TW", "zh"}, {"zh-TW", "zh"},
        {"xx", "en"},    {"sv-SE", "en"},      {"", "en"},           {"arz", "en"},
    };
    for (const auto& [locale, language] : expected) {
        EXPECT_EQ(texts.language_of(locale), language) << locale;
        const auto made = rendered(sample_event(event_type::password_changed, locale));
        EXPECT_EQ(header(made.mime, "Subject"),
                  texts.text(language, "password_changed.subject", {}))
            << locale;
        EXPECT_TRUE(contains(html_part(made.mime), "<html lang=\"" + language + "\"")) << locale;
    }
    EXPECT_EQ(catalogues::embedded("pl").language_of("xx"), "pl");
}

TEST(Languages, ACatalogueOfTheOtherChineseScript_WouldGoFirst) {
    const auto made = catalogues::from_json(
        {{"en", R"({"a":"en"})"}, {"zh", R"({"a":"zh"})"}, {"zh-hant", R"({"a":"hant"})"}}, "en");
    ASSERT_TRUE(made);
    EXPECT_EQ(made.unsafe_value().text("zh-Hant-TW", "a", {}), "hant");
    EXPECT_EQ(made.unsafe_value().text("zh-CN", "a", {}), "zh");
}

TEST(RightToLeft, IsOfTheScript) {
    for (const auto* tag : {"ar", "ar-EG", "he", "fa", "ur_PK", "az-Arab"}) {
        EXPECT_TRUE(notify::is_right_to_left(tag)) << tag;
    }
    for (const auto* tag : {"en", "de-AT", "zh-Hant-TW", "tr", "az", "xx", "", "../x"}) {
        EXPECT_FALSE(notify::is_right_to_left(tag)) << tag;
    }
}

TEST(RightToLeft, AnArabicPage_IsLaidOutFromTheRight) {
    const auto html = html_part(rendered(sample_event(event_type::new_login, "ar")).mime);
    EXPECT_TRUE(contains(html, "<html lang=\"ar\" dir=\"rtl\">"));
    // Mail readers that show a page inside their own drop <html>.
    EXPECT_TRUE(contains(html, "<div class=\"card\" lang=\"ar\" dir=\"rtl\">"));
    EXPECT_TRUE(contains(html, "padding-left: 12px; text-align: right;"));

    const auto english = html_part(rendered(sample_event(event_type::new_login, "en")).mime);
    EXPECT_TRUE(contains(english, "<html lang=\"en\" dir=\"ltr\">"));
    EXPECT_TRUE(contains(english, "padding-right: 12px; text-align: left;"));
}

TEST(RightToLeft, AValueInAnArabicMail_KeepsItsOrder) {
    auto event = sample_event(event_type::email_changed, "ar");
    event.ip = "2001:db8::1";
    const auto made = rendered(event);
    const auto text = text_part(made.mime);
    const auto html = html_part(made.mime);
    for (const auto* value : {"2001:db8::1", "Telefon", "old@example.org", "new@example.org",
                              "Ada Löwe", "Firefox", "Linux", "Countersign"}) {
        EXPECT_TRUE(contains(text, isolated(value))) << value << "\n" << text;
        EXPECT_TRUE(contains(html, "<bdi>" + std::string(value) + "</bdi>")) << value;
        EXPECT_EQ(count(text, value), count(text, isolated(value))) << value << "\n" << text;
    }
    EXPECT_TRUE(contains(text, "عنوان IP: " + isolated("2001:db8::1") + "\n"));
    EXPECT_TRUE(contains(html, "<td><bdi>2001:db8::1</bdi></td>"));
    EXPECT_FALSE(contains(html, isolate_begin));
    EXPECT_FALSE(contains(html.substr(0, html.find("</title>")), "bdi"));
}

TEST(RightToLeft, ALinkInAnArabicMail_HasNoMarkBesideIt) {
    const auto made = rendered(sample_event(event_type::password_reset, "ar", "abc-_"));
    const std::string url = "https://id.example.org/auth/reset-password?token=abc-_";
    EXPECT_TRUE(contains(text_part(made.mime), "\n" + url + "\n"));
    EXPECT_TRUE(contains(html_part(made.mime), "href=\"" + url + "\""));
    EXPECT_TRUE(contains(html_part(made.mime), "<br><bdi>" + url + "</bdi></p>"));
    const auto alert = text_part(rendered(sample_event(event_type::new_login, "ar")).mime);
    EXPECT_TRUE(contains(alert, ": https://id.example.org/me/settings#sessions\n"));
}

TEST(RightToLeft, AValuesOwnMarks_CannotEndItsIsolate) {
    for (const auto type : all_event_types()) {
        auto event = sample_event(type, "ar");
        event.name = event.label = event.old_email = event.browser =
            std::string("a") + std::string(isolate_end) + "\u202e</bdi>" +
            std::string(isolate_begin) + "b";
        const auto made = rendered(event);
        const auto text = text_part(made.mime);
        const auto html = html_part(made.mime);
        EXPECT_EQ(count(text, isolate_begin), count(text, isolate_end));
        EXPECT_EQ(count(html, "<bdi>"), count(html, "</bdi>"));
        EXPECT_TRUE(contains(text, isolated("a</bdi>b")) || !contains(text, "a</bdi>b"));
        EXPECT_FALSE(contains(text, "\u202e"));
    }
}

TEST(RightToLeft, ASubject_HoldsNoMark) {
    for (const auto type : all_event_types()) {
        const auto subject = header(rendered(sample_event(type, "ar")).mime, "Subject");
        EXPECT_FALSE(contains(subject, isolate_begin)) << subject;
        EXPECT_FALSE(contains(subject, isolate_end)) << subject;
    }
}

TEST(RightToLeft, MarksStandInNoOtherLanguage) {
    const auto texts = catalogues::embedded("en");
    for (const auto& language : texts.languages()) {
        for (const auto type : all_event_types()) {
            const auto made = rendered(sample_event(type, language));
            const bool marked = contains(text_part(made.mime), isolate_begin);
            EXPECT_EQ(marked, language == "ar") << language;
            EXPECT_EQ(contains(html_part(made.mime), "<bdi>"), language == "ar") << language;
        }
    }
}

TEST(RightToLeft, AnArabicMail_HasOneSetOfDigits) {
    for (const auto* locale : {"ar", "ar-EG", "ar-MA"}) {
        const auto made = rendered(sample_event(event_type::one_time_code, locale));
        const auto text = text_part(made.mime);
        EXPECT_EQ(find_six_digits(text), sample_secret);
        EXPECT_TRUE(contains(text, " 10 دقائق ")) << text;
        EXPECT_TRUE(contains(text, "2 يناير 2026")) << text;
        for (const auto* digit : {"٠", "١", "٢", "٣", "٤", "٥", "٦", "٧", "٨", "٩"}) {
            EXPECT_FALSE(contains(text, digit)) << text;
        }
    }
}

TEST(Languages, WhatAnAdministratorDidOrAnotherMailTells_IsNotSaidToBeTheReaders) {
    const auto texts = catalogues::embedded("en");
    for (const auto& language : texts.languages()) {
        const auto by_you = texts.text(language, "by_you", {});
        for (const auto type : all_event_types()) {
            if (core::lane_of(type) != core::mail_lane::alert) {
                continue;
            }
            const auto text = text_part(rendered(sample_event(type, language)).mime);
            const bool of_the_reader =
                type != event_type::second_factor_reset && type != event_type::recovery_codes_low;
            const auto name = language + " " + std::string(core::to_string(type));
            EXPECT_EQ(contains(text, by_you), of_the_reader) << name << "\n" << text;
            EXPECT_EQ(contains(text, "203.0.113.7"), of_the_reader) << name;
            EXPECT_EQ(contains(text, "Firefox"), of_the_reader) << name;
            EXPECT_TRUE(contains(text, "2026")) << name;
        }
    }
}

TEST(Languages, HowManyCodesAreLeft_IsSaidOfEveryAlertAboutThem) {
    for (const auto type : {event_type::recovery_code_used, event_type::recovery_codes_created,
                            event_type::recovery_codes_low}) {
        const auto text = text_part(rendered(sample_event(type)).mime);
        EXPECT_TRUE(contains(text, "Backup codes left: 3\n")) << text;
    }
    EXPECT_FALSE(contains(text_part(rendered(sample_event(event_type::code_reused)).mime),
                          "Backup codes left"));
}

TEST(Languages, ALabelAndItsValue_ArePartedAsTheLanguageDoes) {
    const std::map<std::string, std::string> expected{
        {"en", "IP address: 203.0.113.7\n"},  {"fr", "Adresse IP\u00a0: 203.0.113.7\n"},
        {"ja", "IP アドレス：203.0.113.7\n"}, {"zh", "IP 地址：203.0.113.7\n"},
        {"pl", "Adres IP: 203.0.113.7\n"},
    };
    for (const auto& [language, line] : expected) {
        const auto text = text_part(rendered(sample_event(event_type::new_login, language)).mime);
        EXPECT_TRUE(contains(text, line)) << text;
    }
}

} // namespace
} // namespace countersign::tests
