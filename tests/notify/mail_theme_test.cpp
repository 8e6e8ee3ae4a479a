// What the operator changes of mails.
#include "notify/mail_theme.hpp"

#include "notify/embedded.hpp"
#include "notify/mail.hpp"
#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::tests {
namespace {

using core::event_type;
using notify::mail_theme;
using notify::theme_file;

constexpr std::string_view small_page =
    "<html lang=\"{{language}}\" dir=\"{{direction}}\"><h2>{{heading}}</h2>{{content}}{{closing}}";

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

notify::theme_options options_with(std::vector<theme_file> files) {
    notify::theme_options options;
    options.default_locale = "en";
    options.logo_text = "Countersign";
    options.files = std::move(files);
    return options;
}

std::string fault_of(std::vector<theme_file> files) {
    const auto made = mail_theme::make(options_with(std::move(files)));
    return made.has_error() ? made.error() : "";
}

std::string fault_of_texts(std::string_view json, const std::string& tag = "de") {
    return fault_of({{"catalogues/" + tag + ".json", std::string(json)}});
}

std::string mail_of(const core::event& event, const notify::theme_options& options) {
    auto theme = mail_theme::make(options);
    if (theme.has_error()) throw std::runtime_error(theme.error());
    const auto keys = sample_keys();
    const notify::renderer renderer(sample_identity(), std::move(theme).unsafe_value(), keys);
    return renderer.render(event, event.recipients.front()).value().mime;
}

std::string built_in(std::string_view name) {
    return std::string(
        std::ranges::find(notify::embedded_files(), name, &notify::embedded_file::name)->text);
}

TEST(MailTheme, TheBuiltInFilesAsTheOperators_AreTakenAndChangeNothing) {
    auto options = options_with({});
    for (const auto& file : notify::embedded_files()) {
        std::string name(file.name);
        if (name.starts_with("templates/")) name = name.substr(10);
        options.files.push_back({name, std::string(file.text)});
    }
    for (const auto type : all_event_types())
        for (const auto* language : {"en", "de", "ar"})
            EXPECT_EQ(mail_of(sample_event(type, language), options),
                      rendered(sample_event(type, language)).mime);
}

TEST(MailTheme, Colours_AreThoseOfButtonsWithATextThatCanBeRead) {
    auto options = options_with({});
    options.accent = *notify::colour::parse("#ffcc00");
    options.accent_dark = *notify::colour::parse("#330066");
    const auto html = html_part(mail_of(sample_event(event_type::new_login), options));
    EXPECT_TRUE(contains(html, "background: #ffcc00;\n  color: #000000;")) << html;
    EXPECT_TRUE(contains(html, ".button { background: #330066; color: #ffffff; }")) << html;
}

TEST(MailTheme, WithoutADarkColour_TheOtherIsLightened) {
    const auto html = html_part(mail_of(sample_event(event_type::new_login), options_with({})));
    EXPECT_TRUE(contains(html, "background: #1f5fbf;\n  color: #ffffff;"));
    EXPECT_FALSE(contains(html, ".button { background: #1f5fbf;"));
    EXPECT_TRUE(contains(html, ".button { background: #"));
}

TEST(MailTheme, TheLogo_IsText) {
    auto options = options_with({});
    options.logo_text = "A & <b>B</b>\n";
    const auto html = html_part(mail_of(sample_event(event_type::new_login), options));
    EXPECT_TRUE(contains(html, "<p class=\"logo\">A &amp; &lt;b&gt;B&lt;/b&gt;</p>")) << html;
}

TEST(MailTheme, ATemplateOfTheOperators_KeepsTheEscaping) {
    auto event = sample_event(event_type::new_login);
    event.label = "<script>{{closing}}";
    const auto mime = mail_of(event, options_with({{"mail.html", std::string(small_page)},
                                                   {"mail.txt", "{{closing}}\r\n{{content}}\r\n"
                                                                "== {{heading}} =="}}));
    const auto html = html_part(mime);
    EXPECT_TRUE(html.starts_with("<html lang=\"en\" dir=\"ltr\"><h2>New login detected</h2>"))
        << html;
    EXPECT_TRUE(contains(html, "<td>&lt;script&gt;{{closing}}</td>")) << html;
    const auto text = text_part(mime);
    EXPECT_TRUE(text.starts_with("This is an automatic message from Countersign.")) << text;
    EXPECT_TRUE(contains(text, "\n== New login detected ==")) << text;
    EXPECT_FALSE(contains(mime, "=0D"));
}

TEST(MailTheme, APartOfALanguage_LeavesTheRestAsItWas) {
    const auto options = options_with({{"catalogues/de.json",
                                        R"({"new_login.subject":"{app_name}: Neue Anmeldung",
              "new_login.heading":"Neu <b>da</b>"})"}});
    const auto german = mail_of(sample_event(event_type::new_login, "de-AT"), options);
    EXPECT_EQ(header(german, "Subject"), "Countersign: Neue Anmeldung");
    EXPECT_TRUE(contains(html_part(german), "<h1>Neu &lt;b&gt;da&lt;/b&gt;</h1>"));
    const auto before = text_part(rendered(sample_event(event_type::new_login, "de-AT")).mime);
    const auto after = text_part(german);
    EXPECT_EQ(after.substr(after.find("\n\n")), before.substr(before.find("\n\n")));
    EXPECT_EQ(mail_of(sample_event(event_type::password_changed, "de"), options),
              rendered(sample_event(event_type::password_changed, "de")).mime);
    EXPECT_EQ(mail_of(sample_event(event_type::new_login), options),
              rendered(sample_event(event_type::new_login)).mime);
}

TEST(MailTheme, ALanguageThatIsNew_IsAdded) {
    const auto options =
        options_with({{"catalogues/pt-PT.json", R"({"new_login.heading":"Novo início de sessão"})"},
                      {"catalogues/sv.json", R"({"new_login.subject":"Ny inloggning"})"}});
    const auto portuguese = mail_of(sample_event(event_type::new_login, "pt_PT"), options);
    EXPECT_TRUE(contains(html_part(portuguese), "<h1>Novo início de sessão</h1>"));
    EXPECT_EQ(header(portuguese, "Subject"),
              header(rendered(sample_event(event_type::new_login, "pt")).mime, "Subject"));
    const auto swedish = mail_of(sample_event(event_type::new_login, "sv-SE"), options);
    EXPECT_EQ(header(swedish, "Subject"), "Ny inloggning");
    EXPECT_TRUE(contains(html_part(swedish), "<html lang=\"sv\" dir=\"ltr\">"));
    EXPECT_TRUE(contains(html_part(swedish), "<h1>New login detected</h1>"));
}

TEST(MailTheme, ATextThatCannotBeSaid_IsNamedWithItsFileAndKey) {
    const std::string file = "catalogues/de.json: ";
    EXPECT_EQ(fault_of_texts(R"({"greeting":"Hallo {name}"})"), "");
    EXPECT_TRUE(fault_of_texts("[]").starts_with(file + "is not a JSON object"));
    EXPECT_TRUE(fault_of_texts("{").starts_with(file + "is not a JSON object"));
    EXPECT_TRUE(fault_of_texts(R"({"new_login.subjekt":"x"})")
                    .starts_with(file + "`new_login.subjekt` is no key"));
    EXPECT_EQ(fault_of_texts(R"({"greeting":1})"), file + "`greeting` must be a text in quotes");
    for (const auto* broken : {"{name", "{name, plural, one {x}}", "{name, nonsense}", "{}"})
        EXPECT_TRUE(fault_of_texts("{\"greeting\":\"" + std::string(broken) + "\"}")
                        .starts_with(file + "`greeting` is not an ICU message pattern"))
            << broken;
    EXPECT_EQ(fault_of_texts(R"({"new_login.subject":"{name}"})"),
              file + "`new_login.subject` has the unknown argument {name}: use {app_name}");
    EXPECT_EQ(fault_of_texts(R"({"greeting":"{0}"})"),
              file + "`greeting` has the unknown argument {0}: use {app_name}, {name}");
    // Also inside of a plural.
    EXPECT_TRUE(contains(
        fault_of_texts(R"({"recovery_code_used.body":"{remaining, plural, other {{ip}}}"})"),
        "unknown argument {ip}"));
}

TEST(MailTheme, AnArgumentInAFormThatItDoesNotHave_IsRefused) {
    for (const auto* pattern : {"{name, number}", "{name, plural, other {x}}", "{name, date}",
                                "{app_name, select, a {{name, number}} other {x}}"})
        EXPECT_TRUE(contains(fault_of_texts("{\"greeting\":\"" + std::string(pattern) + "\"}"),
                             "{name} in a form that it does not have"))
            << pattern;
    for (const auto* pattern : {"{minutes}", "{minutes, number}", "{minutes, number, integer}",
                                "{minutes, selectordinal, other {#}}",
                                "{minutes, plural, =1 {one} other {{app_name}}}"}) {
        const auto options =
            options_with({{"catalogues/de.json",
                           "{\"one_time_code.expiry\":\"" + std::string(pattern) + "\"}"}});
        EXPECT_NO_THROW((void)mail_of(sample_event(event_type::one_time_code, "de"), options))
            << pattern;
    }
    EXPECT_NE(fault_of_texts(R"({"one_time_code.expiry":"{minutes, date}"})"), "");
}

TEST(MailTheme, EnglishOfTheOperators_DoesNotDecideWhatOthersMaySay) {
    EXPECT_EQ(fault_of({{"catalogues/en.json", R"({"greeting":"Dear customer,"})"},
                        {"catalogues/fr.json", R"({"greeting":"Bonjour {name}"})"}}),
              "");
}

TEST(MailTheme, AFileThatCannotBeUsed_IsNamed) {
    EXPECT_EQ(fault_of({{"mail.html", std::string(small_page) + "\xff"}}),
              "mail.html: is not plain UTF-8 text: save it as UTF-8, without control characters");
    EXPECT_NE(fault_of({{"mail.txt", std::string("{{heading}}{{content}}{{closing}}\0", 34)}}), "");
    EXPECT_EQ(fault_of({{"mail.html", "\xEF\xBB\xBF" + std::string(small_page)}}), "");
    for (const auto* name :
         {"mail.htm", "catalogues/de.yaml", "catalogues/.json", "README.md", "templates/mail.html"})
        EXPECT_TRUE(
            fault_of({{name, "{}"}}).starts_with(std::string(name) + ": is no file of a mail"))
            << name;
    EXPECT_TRUE(contains(fault_of_texts("{}", "german language"), "is not named after a language"));
    EXPECT_TRUE(contains(fault_of_texts("{}", "../de"), "is not named after a language"));
    EXPECT_TRUE(
        contains(fault_of({{"catalogues/pt-BR.json", "{}"}, {"catalogues/pt-br.json", "{}"}}),
                 "second file for the language pt-br"));
    EXPECT_TRUE(fault_of({{"mail.html", "<script>"}}).starts_with("mail.html: line 1: <script>"));
    EXPECT_TRUE(fault_of({{"mail.txt", ""}}).starts_with("mail.txt: lacks {{heading}}"));
}

TEST(MailTheme, BuiltInText_BeginsWithItsHeading) {
    EXPECT_TRUE(built_in("templates/mail.txt").starts_with("{{heading}}\n"));
    const auto text = text_part(rendered(sample_event(event_type::new_login)).mime);
    EXPECT_TRUE(text.starts_with("New login detected\n\nHello Ada Löwe,\n\n")) << text;
    EXPECT_TRUE(contains(text, "\n\n-- \nThis is an automatic message")) << text;
}

} // namespace
} // namespace countersign::tests
