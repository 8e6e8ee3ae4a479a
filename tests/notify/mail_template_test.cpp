// What a template of the operator's may hold.
#include "notify/mail_template.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using notify::mail_template;
using notify::placeholder;

constexpr std::string_view good_page =
    "<!DOCTYPE html>\n<html lang=\"{{language}}\" dir=\"{{direction}}\">\n<head>\n"
    "<title>{{subject}}</title>\n<style>a { color: {{accent}}; }</style></head>\n<body>\n"
    "<h1>{{heading}}</h1>{{content}}<p>{{closing}}</p>\n";

// What is wrong with the good page when this stands at its end, or nothing.
std::string fault_of(const std::string& end) {
    const auto made = mail_template::of_page(std::string(good_page) + end);
    return made.has_error() ? made.error() : "";
}

std::string fault_without(std::string_view mark) {
    std::string page(good_page);
    page.erase(page.find(mark), mark.size());
    const auto made = mail_template::of_page(page);
    return made.has_error() ? made.error() : "";
}

TEST(MailTemplate, FilledPlaceholders_AreNotLookedAtAgain) {
    const auto made = mail_template::of_text("{{heading}}|{{content}}|{{closing}}|{{heading}}");
    ASSERT_FALSE(made.has_error()) << made.error();
    notify::placeholder_values values;
    values[placeholder::heading] = "{{content}}";
    values[placeholder::content] = "{{closing}}{{";
    values[placeholder::closing] = "}}";
    EXPECT_EQ(made.unsafe_value().fill(values), "{{content}}|{{closing}}{{|}}|{{content}}");
}

TEST(MailTemplate, WithoutWhatAMailNeeds_IsRefused) {
    EXPECT_EQ(fault_of(""), "");
    for (const auto* mark :
         {"{{language}}", "{{direction}}", "{{heading}}", "{{content}}", "{{closing}}"}) {
        EXPECT_EQ(fault_without(mark),
                  "lacks " + std::string(mark) + ": put it where the mail is to have it");
    }
    EXPECT_EQ(fault_without("{{subject}}"), "");
    const auto text = mail_template::of_text("{{heading}}\n{{content}}\n");
    ASSERT_TRUE(text.has_error());
    EXPECT_TRUE(text.error().starts_with("lacks {{closing}}"));
}

TEST(MailTemplate, AnUnknownPlaceholder_IsNamedWithItsLine) {
    EXPECT_TRUE(fault_of("\n{{contents}}")
                    .starts_with("line 9: there is no placeholder {{contents}} here; use "
                                 "{{language}}, "));
    EXPECT_NE(fault_of("{{ heading }}"), "");
    EXPECT_TRUE(fault_of("{{heading\n}}").starts_with("line 8: a {{ is not closed"));
    EXPECT_TRUE(fault_of("{{heading").starts_with("line 8: a {{ is not closed"));
    // A text has no colours.
    const auto text = mail_template::of_text("{{accent}}{{heading}}{{content}}{{closing}}");
    ASSERT_TRUE(text.has_error());
    EXPECT_TRUE(text.error().starts_with("line 1: there is no placeholder {{accent}} here; use "
                                         "{{logo}}, "));
}

TEST(MailTemplate, ATextWhereItsEscapingDoesNotHold_IsRefused) {
    for (const auto* end :
         {"<p title=\"{{heading}}\">", "<p {{closing}}>", "<{{content}}>",
          "<{{direction}}{{heading}}>", "<!-- {{heading}} -->",
          "<style>p::after { content: \"{{logo}}\"; }</style>", "<style>{{content}}</style >",
          "<a href=\"https://x/?{{subject}}\">", "<p title='\">{{heading}}'>",
          "<!--[if mso]><p>{{heading}}</p><![endif]-->", "<style></stylex>{{heading}}</style>"}) {
        EXPECT_NE(fault_of(end).find("must stand between tags"), std::string::npos)
            << end << ": " << fault_of(end);
    }
    for (const auto* end : {"<p>{{heading}} {{logo}}</p>", "<p title=\">\">{{subject}}</p>",
                            "a < b {{heading}}", "<style>a{}</style>{{heading}}",
                            "<p style=\"color: {{accent_dark_text}}\" dir={{direction}}>"}) {
        EXPECT_EQ(fault_of(end), "") << end;
    }
}

TEST(MailTemplate, WhatWouldLoadSomething_IsRefused) {
    for (const auto* end : {"<img src=\"http://x/p.png\">",
                            "<img src=https://x/p.png>",
                            "<IMG SRC = 'HTTP://x'>",
                            "<img src=\"//x/p.png\">",
                            "<img src=p.png>",
                            "<img src=\"cid:x\">",
                            "<img src=\" &#104;ttp://x\">",
                            "<img srcset=\"data:image/png;base64,AA 1x, http://x 2x\">",
                            "<td background=\"http://x\">",
                            "<img/src=http://x>",
                            "<img alt=\"\"src=http://x>",
                            "<a href=\"https://x\" ping=\"https://y\">",
                            "<!--[if mso]><v:fill src=\"http://x\"><![endif]-->",
                            "<style>p { background: url(http://x/p.png) }</style>",
                            "<style>p { background: URL( 'http://x' ) }</style>",
                            "<style>@import 'x';</style>",
                            "<style>@font-face { src: url(https://x/f.woff) }</style>",
                            "<style>p { background: u\\72l(http://x) }</style>",
                            "<style>p { background: image-set('http://x' 1x) }</style>",
                            "<p style=\"background: url(http://x)\">",
                            "<p style=\"background: url(&quot;http://x&quot;)\">",
                            "<p style=\"background: &#117;rl(http://x)\">",
                            "<style>p{}</stylex> p { background: url(http://x) }</style>"}) {
        EXPECT_NE(fault_of(end), "") << end;
    }
    for (const auto* end : {"<img src=\"data:image/png;base64,AAAA\" alt=\"\">",
                            "<style>p { background: url( \"data:image/png;base64,AA\" ) }</style>",
                            "<p style=\"font-family: &quot;Segoe UI&quot;, sans-serif\">",
                            "<!--[if !mso]><!--><p>x</p><!--<![endif]-->",
                            "<p>see url(http://x) and src=http://x</p>",
                            "<a href=\"https://example.org/imprint\">Imprint</a>",
                            "<a href=\"mailto:it@example.org\">"}) {
        EXPECT_EQ(fault_of(end), "") << end;
    }
}

TEST(MailTemplate, WhatRunsOrAsks_IsRefused) {
    for (const auto* end : {"<script>",
                            "<SCRIPT src=x>",
                            "<iframe>",
                            "<object data=x>",
                            "<embed src=x>",
                            "<form>",
                            "<link rel=stylesheet href=https://x>",
                            "<base href=\"https://x/\">",
                            "<svg/onload=x>",
                            "<p onclick=\"x\">",
                            "<p OnMouseOver=x>",
                            "<a href=\"javascript:x\">",
                            "<a href=x>",
                            "<a href=\"&#106;avascript:x\">",
                            "<meta http-equiv=\"refresh\" content=\"0;url=https://x\">",
                            "<video src=\"data:image/png;base64,AA\">",
                            "<p",
                            "<p title=\"",
                            "<!-- ",
                            "<style>",
                            "<title><b>x</b></title>"}) {
        EXPECT_NE(fault_of(end), "") << end;
    }
    EXPECT_EQ(fault_of("<base target=\"_blank\">"), "");
}

} // namespace
} // namespace countersign::tests
