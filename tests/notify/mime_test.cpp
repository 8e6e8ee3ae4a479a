#include "notify/mime.hpp"

#include "notify/mime_reader.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace countersign::tests {
namespace {

using namespace notify;

TEST(Mime, ControlAndDirectionCharacters_AreRemoved) {
    EXPECT_EQ(one_line("a\r\nBcc: x@y.z"), "a Bcc: x@y.z");
    EXPECT_EQ(one_line("  a\t\x01 b \x7f"), "a b");
    EXPECT_EQ(one_line("evil\u202Egnp.exe\u2066\u200B"), "evilgnp.exe");
    EXPECT_EQ(one_line("a\u2028b\u0085c"), "a b c");
    EXPECT_EQ(one_line("bad\xFF"), "bad\uFFFD");
    EXPECT_EQ(one_line("äöüß", 2), "äö");
}

TEST(Mime, MarkupIsEscaped) {
    EXPECT_EQ(html_escaped("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(Mime, AnAddressThatCouldBreakOut_IsUnsafe) {
    using std::string_view_literals::operator""sv;
    EXPECT_TRUE(is_safe_address("ada+x@mail.example.org"));
    for (const auto address :
         {""sv, "ada"sv, "@x"sv, "ada@"sv, "a@b@c"sv, "a b@c"sv, "a@c>"sv, "<a@c"sv,
          "a@c\r\nX: y"sv, "a\0@c"sv, "\"a\"@c"sv, "a@c,d@e"sv, "ä@c"sv, "a@\u202Ec"sv}) {
        EXPECT_FALSE(is_safe_address(address)) << address;
    }
    EXPECT_FALSE(is_safe_address(std::string(250, 'a') + "@b.org"));
}

TEST(Mime, ADate_IsOfRfc5322) {
    using namespace std::chrono;
    EXPECT_EQ(message_date(sys_days(2026y / January / 2) + 3h + 4min + 5s + 678ms),
              "Fri, 02 Jan 2026 03:04:05 +0000");
    EXPECT_EQ(message_date(core::unix_time{}), "Thu, 01 Jan 1970 00:00:00 +0000");
}

TEST(Mime, AHeaderOfAnyText_IsFoldedAndReadsBackAsItWas) {
    std::string text;
    for (int length = 0; length < 120; ++length) {
        text += length % 3 == 0 ? "ß" : length % 7 == 0 ? " " : "=";
        const std::string line = text_header("Subject", text);
        for (std::size_t start = 0; start < line.size();) {
            const auto end = line.find("\r\n", start);
            ASSERT_NE(end, std::string::npos);
            EXPECT_LE(end - start, 76U);
            start = end + 2;
        }
        EXPECT_EQ(read_header(line + "\r\n", "subject"), text);
    }
    EXPECT_EQ(text_header("Subject", "Plain words"), "Subject: Plain words\r\n");
}

TEST(Mime, ADisplayName_IsQuotedOrEncoded) {
    EXPECT_EQ(mailbox_header("From", "A \"b\" \\", "a@b.c"),
              "From: \"A \\\"b\\\" \\\\\"\r\n <a@b.c>\r\n");
    EXPECT_EQ(mailbox_header("From", "Zoë", "a@b.c"), "From: =?UTF-8?Q?Zo=C3=AB?=\r\n <a@b.c>\r\n");
}

TEST(Mime, ADisplayNameOfManyQuotes_StaysWithinTheLine) {
    const std::string name(60, '"');
    const auto header = mailbox_header("From", name, "a@b.c");
    EXPECT_LE(header.find("\r\n"), 76U);
    EXPECT_EQ(read_header(header + "\r\n", "From"), name + " <a@b.c>");
}

TEST(Mime, QuotedPrintable_KeepsLinesShortAndReadsBackAsItWas) {
    std::string text;
    for (int index = 0; index < 3000; ++index) {
        text += index % 97 == 0 ? "\n" : index % 13 == 0 ? "ü" : index % 11 == 0 ? " " : "=x.";
    }
    text += " \n.\n";
    const std::string encoded = quoted_printable(text);
    for (std::size_t start = 0; start < encoded.size();) {
        const auto end = encoded.find("\r\n", start);
        ASSERT_NE(end, std::string::npos);
        ASSERT_LE(end - start, 76U);
        if (end > start) {
            ASSERT_NE(encoded[end - 1], ' ');
        }
        start = end + 2;
    }
    std::string decoded = decode_quoted_printable(encoded);
    std::erase(decoded, '\r');
    EXPECT_EQ(decoded, text);
}

TEST(Mime, QuotedPrintable_EndsItsLastLine) {
    EXPECT_EQ(quoted_printable("a "), "a=20\r\n");
}

} // namespace
} // namespace countersign::tests
