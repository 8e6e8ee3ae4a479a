#include "notify/dev_mailbox.hpp"
#include "notify/mailbox_transport.hpp"

#include "tests/notify/sample_mail.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <fstream>

namespace countersign::tests {
namespace {

constexpr std::string_view sample_name =
    "20260102T030405678Z-0123456789abcdef0123456789abcdef-de05bdfd-one_time_code.eml";

TEST(MailboxTransport, AMail_IsAPrivateFileOfItsOwn) {
    const temporary_folder folder;
    const auto directory = folder.path() / "mail";
    notify::mailbox_transport transport(directory);
    const auto made = rendered(sample_event(core::event_type::one_time_code));
    ASSERT_TRUE(transport.submit(made).has_value());
    ASSERT_TRUE(transport.submit(made).has_value()); // again, as after a crash
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
        ++files;
        EXPECT_EQ(file.path().filename(), sample_name);
        EXPECT_EQ(static_cast<int>(file.status().permissions()), 0600);
    }
    EXPECT_EQ(files, 1);
    EXPECT_EQ(static_cast<int>(std::filesystem::status(directory).permissions()), 0700);
}

TEST(MailboxTransport, AFolderThatIsGone_IsAFaultOfTheRelay) {
    const temporary_folder folder;
    notify::mailbox_transport transport(folder.path() / "mail");
    std::filesystem::remove(folder.path() / "mail");
    const auto outcome = transport.submit(rendered(sample_event(core::event_type::new_login)));
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, notify::failure_kind::relay);
}

class DevMailbox : public testing::Test {
protected:
    void put(const core::event& event) {
        ASSERT_TRUE(transport_.submit(rendered(event)).has_value());
    }
    temporary_folder folder_;
    notify::mailbox_transport transport_{folder_.path()};
    notify::dev_mailbox mailbox_{folder_.path()};
};

TEST_F(DevMailbox, ListsTheNewestFirst) {
    auto later = sample_event(core::event_type::password_changed, "de");
    later.at += std::chrono::hours(1);
    later.id = core::event_id("ffffffffffffffffffffffffffffffff");
    put(sample_event(core::event_type::one_time_code));
    put(later);
    const auto list = boost::json::parse(mailbox_.index_json()).as_array();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].at("subject").as_string(), "Ihr Passwort wurde geändert");
    EXPECT_EQ(list[1].at("name").as_string(), sample_name);
    EXPECT_EQ(list[1].at("to").as_string(), "ada@example.org");
    EXPECT_EQ(list[0].at("event").as_string(), "password_changed");
    const auto html = mailbox_.index_html();
    EXPECT_LT(html.find("Ihr Passwort"), html.find("verification code"));
    EXPECT_NE(html.find("href=\"/dev/mail/20260102T"), std::string::npos);
}

TEST_F(DevMailbox, ShowsAMailInASandbox) {
    put(sample_event(core::event_type::one_time_code));
    const auto page = mailbox_.message_page(sample_name);
    ASSERT_TRUE(page);
    EXPECT_NE(
        page->find("sandbox=\"allow-popups allow-popups-to-escape-sandbox\" src=\"/dev/mail/" +
                   std::string(sample_name) + "/html\""),
        std::string::npos);
    EXPECT_NE(page->find("<pre dir=\"auto\">Your verification code\n"), std::string::npos);
    EXPECT_TRUE(mailbox_.message_html(sample_name)->starts_with("<!DOCTYPE html>"));
    EXPECT_NE(mailbox_.message_text(sample_name)->find(sample_secret), std::string::npos);
    EXPECT_TRUE(mailbox_.message_source(sample_name)->starts_with("Message-ID: <"));
}

TEST_F(DevMailbox, ANameThatLeadsElsewhere_IsRefused) {
    std::ofstream(folder_.path() / "secret.key") << "x";
    std::ofstream(folder_.path() / ".hidden.eml") << "x";
    std::filesystem::create_symlink(folder_.path() / "secret.key", folder_.path() / "link.eml");
    for (const auto* name : {"", ".eml", "..", "../x.eml", "a/b.eml", "secret.key", ".hidden.eml",
                             "link.eml", "%2e%2e.eml", "a\\b.eml", "missing.eml", "/etc/passwd"}) {
        EXPECT_FALSE(mailbox_.message_source(name)) << name;
        EXPECT_FALSE(mailbox_.message_page(name)) << name;
        EXPECT_FALSE(mailbox_.message_html(name)) << name;
    }
    EXPECT_FALSE(mailbox_.message_source(std::string("a\0.eml", 6)));
}

TEST_F(DevMailbox, AMailsMarkup_StaysText) {
    std::ofstream(folder_.path() / "evil.eml")
        << "Subject: <script>1</script>\r\nTo: <b>\r\nContent-Type: "
           "text/plain\r\n\r\n</pre><script>";
    EXPECT_EQ(mailbox_.index_html().find("<script"), std::string::npos);
    const auto page = mailbox_.message_page("evil.eml");
    EXPECT_NE(page->find("&lt;/pre&gt;&lt;script&gt;"), std::string::npos);
    EXPECT_EQ(page->find("<script"), std::string::npos);
    EXPECT_EQ(page->find("<iframe"), std::string::npos); // it has no HTML
}

TEST(DevMailboxWithoutMails, IsAnEmptyList) {
    const notify::dev_mailbox mailbox("/nonexistent/mail");
    EXPECT_EQ(mailbox.index_json(), "[]");
    EXPECT_NE(mailbox.index_html().find("</html>"), std::string::npos);
}

} // namespace
} // namespace countersign::tests
