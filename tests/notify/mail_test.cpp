#include "notify/mail.hpp"

#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"

#include <gtest/gtest.h>

#include <set>

namespace countersign::tests {
namespace {

using core::event_type;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool is_link_mail(event_type type) {
    return type == event_type::email_verification || type == event_type::password_reset;
}

bool is_code_mail(event_type type) {
    return type == event_type::one_time_code || type == event_type::email_verification_code ||
           type == event_type::password_reset_code;
}

// Quoted-printable breaks long lines where it likes, which is no line of the text (RFC 2045 6.7).
std::string without_soft_breaks(std::string body) {
    for (auto at = body.find("=\r\n"); at != std::string::npos; at = body.find("=\r\n", at))
        body.erase(at, 3);
    return body;
}

void expect_well_formed(const std::string& mime) {
    std::set<std::string> names;
    bool in_head = true;
    for (std::size_t start = 0; start < mime.size();) {
        const auto end = mime.find("\r\n", start);
        ASSERT_NE(end, std::string::npos) << "a line without CRLF";
        const auto line = mime.substr(start, end - start);
        EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
        EXPECT_LE(line.size(), in_head ? 110U : 76U) << line;
        if (line.empty()) {
            in_head = false;
        }
        if (in_head && line.front() != ' ') {
            EXPECT_TRUE(names.insert(line.substr(0, line.find(':'))).second) << line;
        }
        start = end + 2;
    }
    EXPECT_EQ(names, (std::set<std::string>{"Message-ID", "Date", "From", "To", "Subject",
                                            "MIME-Version", "Auto-Submitted",
                                            "X-Auto-Response-Suppress", "Content-Type"}));
}

TEST(Mail, EveryEventInEveryLanguage_IsAWellFormedMessage) {
    const auto languages = notify::catalogues::embedded("en").languages();
    for (const auto& language : languages) {
        for (const auto type : all_event_types()) {
            SCOPED_TRACE(language + " " + std::string(core::to_string(type)));
            const auto made = rendered(sample_event(type, language));
            expect_well_formed(made.mime);
            EXPECT_EQ(header(made.mime, "Message-ID"),
                      "<0123456789abcdef0123456789abcdef.de05bdfd@countersign.example>");
            EXPECT_EQ(header(made.mime, "Date"), "Fri, 02 Jan 2026 03:04:05 +0000");
            EXPECT_EQ(header(made.mime, "From"), "\"Countersign\" <security@countersign.example>");
            EXPECT_EQ(header(made.mime, "To"), "ada@example.org");
            EXPECT_EQ(header(made.mime, "Auto-Submitted"), "auto-generated");
            for (const auto& body : {text_part(made.mime), html_part(made.mime)}) {
                EXPECT_TRUE(contains(body, "Ada Löwe"));
                EXPECT_FALSE(contains(body, "{") && !contains(body, "<style>")) << body;
            }
            EXPECT_FALSE(contains(header(made.mime, "Subject"), sample_secret));
        }
    }
}

TEST(Mail, TheSubjects_AreTheContracts) {
    const auto subject = [](event_type type) {
        return header(rendered(sample_event(type)).mime, "Subject");
    };
    EXPECT_EQ(subject(event_type::one_time_code), "Your Countersign verification code");
    EXPECT_EQ(subject(event_type::two_factor_added), "New Two-Factor Authentication Method Added");
    EXPECT_EQ(subject(event_type::two_factor_removed), "Two-Factor Authentication Method Removed");
    EXPECT_EQ(subject(event_type::email_changed), "Your Account Email Address Was Changed");
    EXPECT_EQ(subject(event_type::password_changed), "Your Password Was Changed");
    EXPECT_EQ(subject(event_type::new_login), "New Login Detected on Your Account");
    EXPECT_EQ(subject(event_type::registration_with_existing_email),
              "Unauthorized Account Registration Attempt");
}

TEST(Mail, AnAlert_SaysWhatWhenWhereAndWhatToDo) {
    const auto made = rendered(sample_event(event_type::two_factor_removed));
    for (const auto& body : {text_part(made.mime), html_part(made.mime)}) {
        for (const auto* part :
             {"Authenticator app (TOTP)", "Telefon", "January 2, 2026 at 3:04:05 AM UTC",
              "203.0.113.7", "Firefox on Linux", "If this wasn’t you",
              "no further action is required", "https://id.example.org/me/settings#sessions"}) {
            EXPECT_TRUE(contains(body, part)) << part;
        }
        EXPECT_FALSE(contains(body, sample_secret));
    }
}

TEST(Mail, OfADeletedAccount_LeadsToNoSettings) {
    const auto made = rendered(sample_event(event_type::account_deleted));
    for (const auto& body : {text_part(made.mime), html_part(made.mime)}) {
        EXPECT_TRUE(contains(body, "Your Countersign account was deleted"));
        EXPECT_TRUE(contains(body, "203.0.113.7"));
        EXPECT_FALSE(contains(body, "/me/settings"));
    }
}

TEST(Mail, AnAlertOfAnUnknownClient_SaysSo) {
    auto event = sample_event(event_type::new_login);
    event.browser.clear();
    event.os.clear();
    event.ip.clear();
    const auto text = text_part(rendered(event).mime);
    EXPECT_TRUE(contains(text, "Browser and system: not detected\n"));
    EXPECT_TRUE(contains(text, "IP address: not detected\n"));
}

TEST(Mail, ACode_StandsAloneAndSaysWhenItDies) {
    for (const auto type : all_event_types()) {
        if (!is_code_mail(type)) continue;
        SCOPED_TRACE(core::to_string(type));
        const auto made = rendered(sample_event(type));
        const auto text = text_part(made.mime);
        EXPECT_EQ(find_six_digits(text), sample_secret);
        EXPECT_TRUE(
            contains(text, "10 minutes after it was requested: January 2, 2026 at 3:14:05 AM"));
        EXPECT_TRUE(contains(html_part(made.mime), "<div class=\"code\">493817</div>"));
    }
}

TEST(Mail, AnAlertOfNewBackupCodesOrAnApiToken_SaysHowManyOrWhich) {
    const auto codes = text_part(rendered(sample_event(event_type::recovery_codes_created)).mime);
    EXPECT_TRUE(contains(codes, "Backup codes left: ")) << codes;
    const auto token = text_part(rendered(sample_event(event_type::api_token_created)).mime);
    EXPECT_TRUE(contains(token, "Name: Telefon")) << token;
    EXPECT_FALSE(contains(token, "Backup codes left"));
}

TEST(Mail, ALink_LeadsToTheBaseUriOnly) {
    const std::string token = "eyJhbGciOi.abc-_.xyz";
    const auto verification = sample_event(event_type::email_verification, "en", token);
    const auto reset = sample_event(event_type::password_reset, "de", token);
    EXPECT_TRUE(contains(text_part(rendered(verification).mime),
                         "\nhttps://id.example.org/auth/verify-email?token=" + token + "\n"));
    EXPECT_TRUE(
        contains(html_part(rendered(reset).mime),
                 "href=\"https://id.example.org/auth/reset-password?token=" + token + "\""));
    EXPECT_EQ(find_token(text_part(rendered(reset).mime)), token);
}

TEST(Mail, HasNoRemoteContentAndNoOtherLink) {
    for (const auto type : all_event_types()) {
        const auto html = html_part(rendered(sample_event(type)).mime);
        for (const auto* part : {"<img", "<script", "<link", "url(", "@import", "src="}) {
            EXPECT_FALSE(contains(html, part)) << part;
        }
        for (auto at = html.find("http"); at != std::string::npos; at = html.find("http", at + 1)) {
            EXPECT_TRUE(html.substr(at).starts_with("https://id.example.org/"));
        }
        const bool leads_nowhere = is_code_mail(type) || type == event_type::account_deleted;
        EXPECT_EQ(contains(html, "href="), !leads_nowhere);
        EXPECT_EQ(contains(html, "?token="), is_link_mail(type));
    }
}

TEST(Mail, NothingAUserChose_BreaksOutOfItsPlace) {
    const std::string attack = "x\r\nBcc: eve@example.org\r\n\r\n<script>alert(1)</script>\n.\n\"&";
    for (const auto type : all_event_types()) {
        auto event = sample_event(type);
        event.name = event.label = event.ip = event.browser = event.os = attack;
        event.old_email = event.new_email = event.method = event.locale = attack;
        auto identity = sample_identity();
        identity.app_name = attack;
        const auto made = rendered(event, identity);
        expect_well_formed(made.mime);
        EXPECT_EQ(header(made.mime, "Bcc"), "");
        const auto body = made.mime.find("\r\n\r\n");
        EXPECT_FALSE(contains(made.mime.substr(0, body), "\nBcc:"));
        EXPECT_FALSE(contains(without_soft_breaks(made.mime.substr(body)), "\nBcc:"));
        EXPECT_FALSE(contains(html_part(made.mime), "<script"));
        EXPECT_FALSE(contains(text_part(made.mime), "\nBcc:"));
    }
}

TEST(Mail, ANameThatHoldsALink_IsNotRepeated) {
    for (const auto* name : {"win at evil.example", "https://evil", "www.evil", "call me @ evil"}) {
        auto event = sample_event(event_type::password_reset);
        event.name = name;
        const auto text = text_part(rendered(event).mime);
        EXPECT_FALSE(contains(text, "evil")) << text;
        EXPECT_TRUE(text.starts_with("Reset your password\n\nHello,\n")) << text;
    }
    auto event = sample_event(event_type::password_reset);
    event.name = "Dr. J. R. Tolkien";
    EXPECT_TRUE(contains(text_part(rendered(event).mime), "\nHello Dr. J. R. Tolkien,\n"));
}

TEST(Mail, TheSameEvent_GivesTheSameBytes) {
    const auto event = sample_event(event_type::one_time_code, "de-AT");
    EXPECT_EQ(rendered(event).mime, rendered(event).mime);
    auto other = event;
    other.recipients = {"bob@example.org"};
    EXPECT_NE(rendered(event).message_id, rendered(other).message_id);
}

TEST(Mail, ASecretOfAnotherAccountOrPurpose_IsNotOpened) {
    const auto keys = sample_keys();
    const notify::renderer renderer(sample_identity(), keys);
    auto moved = sample_event(event_type::one_time_code);
    moved.account = core::account_id("user_ffffffffffffffffffffffffffffffff");
    auto repurposed = sample_event(event_type::one_time_code);
    repurposed.type = event_type::password_reset;
    auto missing = sample_event(event_type::one_time_code);
    missing.sealed_secret.clear();
    auto foreign = sample_event(event_type::one_time_code, "en", "1\r\nX: y");
    for (const auto& event : {moved, repurposed, missing, foreign}) {
        const auto made = renderer.render(event, "ada@example.org");
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error(), notify::render_error::secret_unreadable);
    }
}

TEST(Mail, AnUnsafeRecipientOrId_IsRefused) {
    const auto keys = sample_keys();
    const notify::renderer renderer(sample_identity(), keys);
    const auto event = sample_event(event_type::new_login);
    const auto address = renderer.render(event, "ada@example.org>\r\nRCPT TO:<eve@example.org");
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error(), notify::render_error::unsafe_address);
    auto broken = event;
    broken.id = core::event_id("../x>");
    const auto id = renderer.render(broken, "ada@example.org");
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error(), notify::render_error::malformed_event);
}

} // namespace
} // namespace countersign::tests
