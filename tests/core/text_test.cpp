#include "core/text.hpp"

#include <gtest/gtest.h>

namespace countersign::core {
namespace {

std::string canonical(std::string_view text) {
    const auto parsed = email_address::parse(text);
    return parsed ? parsed->value() : "(refused)";
}

email_error error_of(std::string_view text) {
    const auto parsed = email_address::parse(text);
    EXPECT_FALSE(parsed.has_value()) << text;
    return parsed.error();
}

TEST(EmailAddress, SpellingsOfOneAddress_AreEqual) {
    EXPECT_EQ(canonical("  Alice@Example.COM "), "alice@example.com");
    EXPECT_EQ(email_address::parse("ALICE@example.com").value(),
              email_address::parse("alice@EXAMPLE.com").value());
}

TEST(EmailAddress, FormsInUse_AreAccepted) {
    for (const std::string_view good :
         {"a@b.c", "first.last+tag@sub.example.co.uk", "o'brien@example.org", "root@localhost",
          "x_y-z@1and1.de", "!#$%&'*+-/=?^_`{|}~@example.com", "a@xn--mnchen-3ya.de"}) {
        EXPECT_EQ(canonical(good), good);
    }
    EXPECT_TRUE(email_address::parse(std::string(64, 'a') + "@example.com").has_value());
}

TEST(EmailAddress, LengthsBeyondTheLimits_AreRefused) {
    EXPECT_EQ(error_of(""), email_error::wrong_length);
    EXPECT_EQ(error_of("   "), email_error::wrong_length);
    EXPECT_EQ(error_of("@b"), email_error::wrong_length);
    EXPECT_EQ(error_of(std::string(65, 'a') + "@example.com"), email_error::malformed_local_part);
    EXPECT_EQ(error_of("a@" + std::string(64, 'b') + ".com"), email_error::malformed_domain);
    std::string longest = "a@";
    while (longest.size() < 250) {
        longest += "b.";
    }
    longest += "abcde";
    ASSERT_EQ(longest.size(), 255U);
    EXPECT_EQ(canonical(longest), longest);
    EXPECT_EQ(error_of(longest + 'f'), email_error::wrong_length);
}

TEST(EmailAddress, WithoutExactlyOneAt_IsRefused) {
    EXPECT_EQ(error_of("alice"), email_error::no_single_at);
    EXPECT_EQ(error_of("a@b@c.d"), email_error::no_single_at);
    EXPECT_EQ(error_of("\"a@b\"@c.d"), email_error::no_single_at);
}

TEST(EmailAddress, WhatCouldBreakOutOfAHeader_IsRefused) {
    for (const std::string_view local :
         {"", ".", ".a", "a.", "a..b", "a b", "a\rb", "a\nb", "a\tb", "<a", "a>", "(a)", "a,b",
          "a;b", "a:b", "a\\b", "\"a\"", "[a]", "a\x7f"}) {
        EXPECT_EQ(error_of(std::string(local) + "@example.com"), email_error::malformed_local_part);
    }
    EXPECT_EQ(error_of(std::string_view("a\0b@example.com", 15)),
              email_error::malformed_local_part);
    for (const std::string_view domain :
         {"example", "example..com", ".example.com", "example.com.", "-a.com", "a-.com",
          "exa_mple.com", "exa mple.com", "[127.0.0.1]", "example.com\r\nBcc: x", "example.com>",
          "localhost.", "a.b\n"}) {
        EXPECT_EQ(error_of("alice@" + std::string(domain)), email_error::malformed_domain);
    }
}

TEST(EmailAddress, NonAscii_IsRefusedAsSuch) {
    EXPECT_EQ(error_of("j\xc3\xbcrgen@example.com"), email_error::not_ascii);
    EXPECT_EQ(error_of("a@m\xc3\xbcnchen.de"), email_error::not_ascii);
}

TEST(Utf8, WellFormedText_IsCounted) {
    EXPECT_EQ(code_point_count(""), 0U);
    EXPECT_EQ(code_point_count("abc"), 3U);
    EXPECT_EQ(code_point_count("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 3U);
    EXPECT_EQ(code_point_count("\xef\xbf\xbf\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"), 4U);
}

TEST(Utf8, IllFormedText_IsRefused) {
    for (const std::string_view bad : {"\x80",
                                       "\xbf",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xc3",
                                       "\xc3(",
                                       "\xe0\x80\x80",
                                       "\xe0\x9f\xbf",
                                       "\xe2\x82",
                                       "\xe2(\xa1",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xf0\x80\x80\x80",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xff",
                                       "\xfe",
                                       "a\xc3",
                                       "\xf0\x9f\x98"}) {
        EXPECT_FALSE(is_valid_utf8(bad));
    }
}

TEST(DisplayName, Names_AreAccepted) {
    EXPECT_TRUE(is_valid_display_name("A"));
    EXPECT_TRUE(is_valid_display_name("Jos\xc3\xa9 O'Neill, Jr."));
    EXPECT_TRUE(is_valid_display_name(std::string(100, 'x')));
    std::string wide;
    for (int i = 0; i < 100; ++i) {
        wide += "\xf0\x9f\x98\x80";
    }
    EXPECT_TRUE(is_valid_display_name(wide));
    EXPECT_FALSE(is_valid_display_name(wide + 'x'));
}

TEST(DisplayName, ControlAndDirectionCharacters_AreRefused) {
    for (const std::string_view bad : {"", "a\r\nb", "a\tb", "a\x7f", "a\xc2\x85", "a\xe2\x80\xa8",
                                       "a\xe2\x80\xae"
                                       "b",
                                       "a\xe2\x81\xa6", "\xff"}) {
        EXPECT_FALSE(is_valid_display_name(bad));
    }
    EXPECT_FALSE(is_valid_display_name(std::string_view("a\0b", 3)));
    EXPECT_FALSE(is_valid_display_name(std::string(101, 'x')));
}

TEST(LocaleTag, WellFormedTags_GetCanonicalCase) {
    const auto value = [](std::string_view text) {
        const auto tag = locale_tag::parse(text);
        return tag ? tag->value() : "(refused)";
    };
    EXPECT_EQ(value("de"), "de");
    EXPECT_EQ(value("DE_at"), "de-AT");
    EXPECT_EQ(value("zh-hant-tw"), "zh-Hant-TW");
    EXPECT_EQ(value("es-419"), "es-419");
    EXPECT_EQ(value("de-CH-1996"), "de-CH-1996");
    EXPECT_EQ(value("sl-ROZAJ-biske"), "sl-rozaj-biske");
    EXPECT_EQ(value("gsw"), "gsw");
}

TEST(LocaleTag, Language_IsTheFirstSubtag) {
    EXPECT_EQ(locale_tag::parse("de-AT")->language(), "de");
    EXPECT_EQ(locale_tag::parse("gsw")->language(), "gsw");
}

TEST(LocaleTag, AnythingElse_IsRefused) {
    for (const std::string_view bad :
         {"", "d", "deutsch", "de-", "-de", "de--AT", "de-A", "de-AT-DE", "de-AT-Latn", "d3",
          "de AT", "de-AT\n", "../../etc", "de-u-co-phonebk", "de.UTF-8", "de-1234567890",
          "i-klingon", "de-variantt-variantt-variantt-varian"}) {
        EXPECT_FALSE(locale_tag::parse(bad)) << bad;
    }
}

} // namespace
} // namespace countersign::core
