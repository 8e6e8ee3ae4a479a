// Lives of accounts at all doors, over connections that stay open, and then every secret of them is
// looked for in the memory of the server and of its Redis: whoever gets at that memory (a bug that
// reads too far, a core dump, swap) finds nothing of what was done before.
#include "tests/app/temporary_directory.hpp"
#include "tests/attack/process_memory.hpp"
#include "tests/support/account_holder.hpp"
#include "tests/support/certificates.hpp"

#include "core/crypto/encoding.hpp"
#include "core/text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

namespace countersign::tests {
namespace {

using boost::json::object;
using namespace std::chrono_literals;

// How long after its reply the rest of a request may take: mails, and the log.
constexpr auto patience = 4s;

std::string text_of(const object& body) {
    return boost::json::serialize(body);
}

// The folder of the certificate outlives the server.
struct stage {
    explicit stage(bool tls, server_settings more = {})
        : server(COUNTERSIGN_PROGRAM, settings_of(tls, std::move(more))),
          service_key(make_service_key(COUNTERSIGN_PROGRAM, server).key) {}

    server_settings settings_of(bool tls, server_settings more) const {
        auto all = with_all_families(std::move(more));
        all["mail.url"] = "smtp://127.0.0.1:" + std::to_string(mails.port());
        all["core_dumps"] = "true"; // or nobody but root could look
        if (!tls) return all;
        const auto files = certificate_authority(folder.path()).issue();
        all["tls.certificate"] = files.certificate;
        all["tls.key"] = files.key;
        return all;
    }

    const temporary_directory folder;
    const smtp_sink mails;
    server_process server;
    std::string service_key;
};

// Requests, each over a connection of its own that stays open; and the secrets in them and in their
// replies.
class person {
public:
    explicit person(const stage& where) : where_(where) {}

    object ask(std::string_view method, const std::string& target, const http_headers& headers = {},
               const std::string& body = {}) {
        const auto told = send(method, target, headers, body);
        if (told.status >= 300)
            throw std::runtime_error(std::string(method) + " " + target + " was answered with " +
                                     std::to_string(told.status) + " " + told.body);
        const bool is_object = told.body.starts_with('{') && told.body.ends_with('}');
        return is_object ? json_of(told) : object();
    }
    void ask_in_vain(std::string_view method, const std::string& target,
                     const http_headers& headers, const std::string& body) {
        ASSERT_EQ(send(method, target, headers, body).status, 401U);
    }

    // Notes it, and returns it.
    std::string secret(const std::string& what, std::string text) {
        for (auto& form : forms_of(what, text))
            secrets_.push_back(std::move(form));
        // A part of a token is one, too.
        if (const auto dot = text.rfind('.'); dot != std::string::npos)
            secrets_.push_back({what + "'s signature", text.substr(dot + 1)});
        return text;
    }
    std::string secret(const std::string& what, const object& in, std::string_view member) {
        return secret(what, text_in(in, member));
    }
    std::string cookie(const std::string& name) {
        return name + "=" + secret("cookie " + name, cookies_.at(name));
    }
    // The app's secret, also as the bytes that it stands for.
    authenticator app(const std::string& what, const object& in) {
        const auto base32 = secret(what, in, "secret");
        const auto raw = core::from_base32(base32).value();
        secrets_.push_back({what + "'s bytes", std::string(core::text_of(raw))});
        return authenticator(base32, holder_totp_window);
    }
    std::vector<std::string> codes(const std::string& what, const object& in,
                                   std::string_view member) {
        std::vector<std::string> all;
        for (const auto& code : in.at(member).as_array())
            all.push_back(secret(what, std::string(code.as_string())));
        return all;
    }

    [[nodiscard]] const std::vector<wanted_bytes>& secrets() const { return secrets_; }
    [[nodiscard]] const smtp_sink& mails() const { return where_.mails; }
    [[nodiscard]] const std::string& service_key() const { return where_.service_key; }

private:
    http_response send(std::string_view method, const std::string& target,
                       const http_headers& headers, const std::string& body) {
        open_.push_back(where_.server.connect());
        auto told = open_.back().request(method, target, headers, body);
        for (const auto& [name, value] : told.set_cookies())
            if (!value.empty()) cookies_[name] = value;
        return told;
    }

    const stage& where_;
    std::vector<http_connection> open_;
    std::map<std::string, std::string> cookies_;
    std::vector<wanted_bytes> secrets_;
};

http_headers bearer(const std::string& token) {
    return {{"Authorization", "Bearer " + token}};
}

std::string percent_encoded(const std::string& text) {
    for (const auto& form : forms_of("", text))
        if (form.bytes.starts_with('%')) return form.bytes;
    throw std::runtime_error("no percent-encoded form");
}

// Registers, proves the address, sets an app up, and comes back by app and by recovery code.
void live_at_singularity(person& who) {
    const auto email = native_client::fresh_email();
    const auto password =
        who.secret("native password", "Singularity+Horse/40-letters-long=Battery1");
    who.ask("POST", "/api/auth/register", {},
            text_of({{"email", email}, {"password", password}, {"name", "Ada"}}));
    const auto link = who.secret("verification link", mailed_token(who.mails(), email));
    who.ask("POST", "/api/auth/email/verification?token=" + percent_encoded(link));
    const auto wrong =
        who.secret("wrong native password", "Misremembered/Horse+of-40-letters=Battery2");
    who.ask_in_vain("POST", "/api/auth/login", {},
                    text_of({{"email", email}, {"password", wrong}}));

    auto in =
        who.ask("POST", "/api/auth/login", {}, text_of({{"email", email}, {"password", password}}));
    auto access = who.secret("access token", in, "accessToken");
    who.secret("refresh token", in, "refreshToken");
    in = who.ask("POST", "/api/auth/step-up", bearer(access), text_of({{"password", password}}));
    auto raised = bearer(access);
    raised.emplace_back("X-Step-Up-Token", who.secret("step-up token", in, "stepUpToken"));
    const auto material = who.ask("GET", "/api/auth/2fa/totp/setup", raised);
    auto app = who.app("native TOTP seed", material);
    const auto recovery = who.codes("recovery code", material, "recoveryCodes");
    who.ask(
        "POST", "/api/auth/2fa/totp/setup", raised,
        text_of({{"token", who.secret("set-up token", material, "token")}, {"code", app.next()}}));

    in =
        who.ask("POST", "/api/auth/login", {}, text_of({{"email", email}, {"password", password}}));
    who.ask("POST", "/api/auth/2fa/totp/recover",
            {{"X-Two-Factor-Authentication-Token",
              who.secret("pending token", in, "twoFactorAuthenticationToken")}},
            text_of({{"code", recovery.front()}}));
    in =
        who.ask("POST", "/api/auth/login", {}, text_of({{"email", email}, {"password", password}}));
    in = who.ask("POST", "/api/auth/2fa/login",
                 {{"X-Two-Factor-Authentication-Token",
                   who.secret("pending token", in, "twoFactorAuthenticationToken")}},
                 text_of({{"totp", app.next()}}));
    const auto refresh = who.secret("refresh token", in, "refreshToken");
    who.secret("access token", in, "accessToken");
    in = who.ask("POST", "/api/auth/refresh", {{"Cookie", "refresh_token=" + refresh}});
    access = who.secret("access token", in, "accessToken");
    who.secret("refresh token", in, "refreshToken");
    who.ask("GET", "/api/users/me", {{"Cookie", "access_token=" + access}});
}

// Registers with Basic credentials to follow, and opens a session. Returns the address.
std::string live_at_clara(person& who, const std::string& password) {
    const auto email = native_client::fresh_email();
    const auto key = std::string(clara_public_key);
    who.ask("POST", "/api/v1/auth/register", {{"Authorization", key}},
            text_of({{"first_name", "Ada"},
                     {"last_name", "Lovelace"},
                     {"email", email},
                     {"password", password}}));
    who.ask("POST", "/api/v1/users/" + email + "/activate", {{"Authorization", key}},
            text_of({{"code", mailed_code(who.mails(), email)}}));
    const auto credentials = basic_credentials(email, password);
    who.secret("Basic credentials", credentials);
    const auto in = who.ask("POST", "/api/v1/auth/session", {{"Authorization", credentials}});
    const auto& data = in.at("data").as_object();
    const auto token = who.secret("Clara's user token", data, "token");
    who.ask("GET", "/api/v1/users/" + text_in(data, "id"), bearer(token));
    return email;
}

// With the account that was made at Clara: a session, an app, an API token, a backup code.
void live_at_slugbase(person& who, const std::string& email, const std::string& password) {
    const auto log_in = [&] {
        who.ask("POST", "/api/auth/login", {},
                text_of({{"email", email}, {"password", password}, {"rememberMe", true}}));
    };
    const auto with_cookies = [&who](const std::string& session) {
        http_headers fields{{"Cookie", who.cookie(session)}};
        const auto made = who.ask("GET", "/api/csrf-token", fields);
        const auto csrf = who.secret("CSRF token", made, "csrfToken");
        fields = {{"Cookie", who.cookie(session) + "; _csrf=" + csrf}, {"X-CSRF-Token", csrf}};
        return fields;
    };
    log_in();
    auto fields = with_cookies("slugbase.sid");
    const auto material = who.ask("POST", "/api/auth/mfa/enroll/begin", fields, "{}");
    auto app = who.app("SlugBase TOTP seed", material);
    who.secret("otpauth URL", material, "otpauth_url");
    const auto confirmed =
        who.ask("POST", "/api/auth/mfa/enroll/confirm", fields, text_of({{"code", app.next()}}));
    const auto codes = who.codes("SlugBase backup code", confirmed, "backup_codes");
    log_in();
    who.ask("POST", "/api/auth/mfa/verify", {{"Cookie", who.cookie("slugbase.mfa_pending")}},
            text_of({{"code", codes.front()}}));
    fields = with_cookies("slugbase.sid");
    const auto made = who.ask("POST", "/api/tokens", fields, text_of({{"name", "a program"}}));
    who.ask("GET", "/api/auth/me", bearer(who.secret("API token", made, "token")));
}

void live_at_the_service(person& who) {
    const auto subject = service_client::path_of(service_client::fresh_subject());
    const auto key = bearer(who.secret("service key", who.service_key()));
    who.ask("PUT", subject, key,
            text_of({{"email", native_client::fresh_email()}, {"emailFactor", false}}));
    const auto material = who.ask("POST", subject + "/totp", key, "{}");
    auto app = who.app("service TOTP seed", material);
    const auto confirmed =
        who.ask("POST", subject + "/totp/" + text_in(material, "factorId") + "/confirm", key,
                text_of({{"code", app.next()}}));
    const auto codes = who.codes("service backup code", confirmed, "backupCodes");
    who.ask("POST", subject + "/verifications", key, text_of({{"code", codes.front()}}));
    auto opened = who.ask("POST", subject + "/sessions", key, text_of({{"code", codes.at(1)}}));
    who.secret("access token of a backend", opened, "accessToken");

    auto lines = key;
    lines.emplace_back("Content-Type", "application/x-ndjson");
    const auto seed = who.secret("imported TOTP seed", "KRSXG5CTMVRXEZLUKN2HE2LOM5DG64SF");
    who.ask("POST", "/api/service/v1/imports", lines,
            text_of({{"subject", service_client::fresh_subject()},
                     {"email", native_client::fresh_email()},
                     {"totp", {"otpauth://totp/a?secret=" + seed}}}) +
                "\n");
}

// What is found at last: some of a request ends behind its reply.
std::vector<std::string> left_in(pid_t process, const std::vector<wanted_bytes>& secrets) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto finds = find_in_memory(process, secrets);
        if (finds.empty() || std::chrono::steady_clock::now() > until) return finds;
        std::this_thread::sleep_for(200ms);
    }
}

class SecretsInMemory : public testing::TestWithParam<bool> {};

void expect_nothing_left(const stage& here, const person& who, const char* when) {
    for (const auto& find : left_in(here.server.process(), who.secrets()))
        ADD_FAILURE() << when << ": " << find;
    for (const auto& find : left_in(here.server.redis_process(), who.secrets()))
        ADD_FAILURE() << when << ", in Redis: " << find;
}

TEST_P(SecretsInMemory, OfFinishedRequests_AreGone_ThoughTheirConnectionsAreOpen) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    GTEST_SKIP() << "a sanitizer's allocator keeps what was given back, and wipes nothing";
#endif
    const stage here(GetParam());
    person who(here);
    live_at_singularity(who);
    expect_nothing_left(here, who, "after Singularity's");
    const auto password =
        who.secret("password of two doors", "Clara+and/SlugBase=of-40-letters-in-all3");
    const auto email = live_at_clara(who, password);
    expect_nothing_left(here, who, "after Clara's");
    live_at_slugbase(who, email, password);
    expect_nothing_left(here, who, "after SlugBase's");
    live_at_the_service(who);
    expect_nothing_left(here, who, "after the service's");
    ASSERT_GT(who.secrets().size(), 200U);
}

// The same search, of a request that is not finished: so it can find.
TEST_P(SecretsInMemory, OfAnUnfinishedRequest_AreFound) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    GTEST_SKIP() << "a sanitizer's shadow memory is too large to be read";
#endif
    const stage here(GetParam());
    auto held = here.server.connect();
    held.send(
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\nX-Step-Up-Token: Planted-In-A-Header-Field\r\n"
        "Authorization: " +
        basic_credentials("a@example.org", "Planted-In-Base64-Letters") +
        "\r\n\r\n{\"password\":\"Planted-In-The-Body-of-40-letters");
    for (const std::string planted : {"Planted-In-A-Header-Field", "Planted-In-Base64-Letters",
                                      "Planted-In-The-Body-of-40-letters"}) {
        const auto wanted = forms_of(planted, planted);
        const auto until = std::chrono::steady_clock::now() + patience;
        auto finds = find_in_memory(here.server.process(), wanted);
        while (finds.empty() && std::chrono::steady_clock::now() < until)
            finds = find_in_memory(here.server.process(), wanted);
        EXPECT_FALSE(finds.empty()) << planted;
    }
}

INSTANTIATE_TEST_SUITE_P(Over, SecretsInMemory, testing::Bool(),
                         [](const auto& over) { return over.param ? "Tls" : "Plain"; });

} // namespace
} // namespace countersign::tests
