// A whole life of an account at log.level=trace, and then every secret of it is looked for in all
// that was written down.
#include "tests/attack/volley.hpp"
#include "tests/support/account_holder.hpp"
#include "tests/support/scene.hpp"

#include "core/crypto/encoding.hpp"
#include "core/text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sys/wait.h>

namespace countersign::tests {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct finished_command {
    int status = -1;
    std::string output;
};

finished_command run(const std::string& command) {
    finished_command done;
    auto* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return done;
    std::array<char, 4096> bytes{};
    while (const auto size = std::fread(bytes.data(), 1, bytes.size(), pipe))
        done.output.append(bytes.data(), size);
    done.status = WEXITSTATUS(::pclose(pipe));
    return done;
}

// A six-digit code may well stand inside a longer number: there it is not the code.
bool holds(const std::string& text, const std::string& secret) {
    const bool digits =
        std::ranges::all_of(secret, [](unsigned char letter) { return std::isdigit(letter) != 0; });
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 1)) {
        const auto is_alnum_at = [&](std::size_t index) {
            return index < text.size() &&
                   std::isalnum(static_cast<unsigned char>(text[index])) != 0;
        };
        const bool inside =
            digits && (is_alnum_at(at + secret.size()) || (at > 0 && is_alnum_at(at - 1)));
        if (!inside) return true;
    }
    return false;
}

using secret_list = std::multimap<std::string, std::string>; // kind, text

// A token, and the signature by itself: a part of a token must not be written down either.
void note_token(secret_list& secrets, const std::string& kind, const std::string& token) {
    if (token.empty()) return;
    secrets.emplace(kind, token);
    secrets.emplace(kind + "'s signature", token.substr(token.rfind('.') + 1));
}

void note_tokens(secret_list& secrets, const native_client& who) {
    for (const auto& [kind, token] :
         {std::pair("access token", who.access), std::pair("refresh token", who.refresh),
          std::pair("step-up token", who.step_up), std::pair("two-factor token", who.two_factor)})
        note_token(secrets, kind, token);
}

// Requests that are wrong in many ways, with the secrets where they do not belong.
void send_malformed(std::uint16_t port, const native_client& who, const std::string& secret) {
    const auto head = "Host: localhost\r\nAuthorization: Bearer " + who.access +
                      "\r\nX-Step-Up-Token: " + who.step_up + "\r\n";
    const std::vector<std::string> requests{
        "GET /api/users/me?access_token=" + secret + " HTTP/1.1\r\n" + head + "\r\n",
        "GET /nowhere/" + secret + " HTTP/1.1\r\n" + head + "\r\n",
        "GET /api/users/me?x=%zz" + secret + " HTTP/1.1\r\n" + head + "\r\n",
        "POST /api/auth/login HTTP/1.1\r\n" + head + "Content-Length: 12x\r\n\r\n" + secret,
        "POST /api/auth/login?password=" + secret + " HTTP/1.1\r\n" + head +
            "Transfer-Encoding: " + secret + "\r\n\r\n",
        "DELETE /api/auth/login HTTP/1.1\r\n" + head + "\r\n",
        "GET /api/users/me HTTP/1.1\r\n" + head + "Broken header " + secret + "\r\n\r\n",
        "GET /api/users/me HTTP/1.1\r\n" + head + "X: a\r\n folded " + secret + "\r\n\r\n",
        secret + " / HTTP/9.9\r\n" + head + "\r\n",
        "GET / HTTP/1.1\r\nHost: " + secret + "\r\nHost: two\r\n\r\n",
        request_of(who, "POST", "/api/auth/login", "{\"password\":\"" + secret + "\", nonsense"),
        request_of(who, "PUT", "/api/users/me/password", R"({"oldPassword":[")" + secret + "\"]}"),
        request_of(who, "POST", "/api/auth/email/verification?token=" + secret, "{}"),
        request_of(who, "POST", "/api/auth/password/reset?token=" + secret,
                   R"({"newPassword":")" + secret + "\"}"),
        request_of(who, "POST", "/api/auth/2fa/email/send?locale=" + secret),
    };
    for (const auto& bytes : requests) {
        http_connection connection(port);
        connection.send(bytes);
        connection.finish_sending();
        (void)connection.receive_until_closed();
    }
}

// What one person does and knows. `clear_at_rest`: what must not be in the store's files either.
void live(const scene& stage, secret_list& secrets, secret_list& clear_at_rest) {
    native_client who{.port = stage.server.port()};
    (void)who.register_account();
    clear_at_rest.emplace("password", who.password);
    note_token(secrets, "verification link", mailed_token(stage.sink, who.email));
    auto wrong = who;
    wrong.password = "Wrong-Horse-7-guessed";
    (void)wrong.log_in();
    clear_at_rest.emplace("wrong password", wrong.password);

    ASSERT_EQ(who.log_in().status, 200);
    note_tokens(secrets, who);
    clear_at_rest.emplace("mailed code", stage.code_mail(who.email, 1));
    ASSERT_EQ(who.complete_login(email_body(stage.code_mail(who.email, 1))).status, 200);
    ASSERT_EQ(who.begin_step_up().status, 200);
    clear_at_rest.emplace("mailed code", stage.code_mail(who.email, 2));
    ASSERT_EQ(who.complete_step_up(email_body(stage.code_mail(who.email, 2))).status, 200);
    note_tokens(secrets, who);

    const auto material = json_of(who.call("GET", "/api/auth/2fa/totp/setup"));
    const auto secret = text_in(material, "secret");
    clear_at_rest.emplace("TOTP secret", secret);
    const auto raw = core::from_base32(secret).value_or(std::vector<std::byte>{});
    clear_at_rest.emplace("TOTP secret's bytes", std::string(core::text_of(raw)));
    note_token(secrets, "set-up token", text_in(material, "token"));
    for (const auto& code : material.at("recoveryCodes").as_array())
        clear_at_rest.emplace("recovery code", std::string(code.as_string()));
    who.app = authenticator(secret, scene_totp_window);
    ASSERT_EQ(who.call("POST", "/api/auth/2fa/totp/setup",
                       R"({"token":")" + text_in(material, "token") + R"(","code":")" +
                           who.app.next() + "\"}")
                  .status,
              200);
    clear_at_rest.emplace("TOTP code", who.app.last());

    auto recovering = stage.pending_logins(who, 1).front();
    const auto code = std::string(material.at("recoveryCodes").as_array().front().as_string());
    (void)recovering.call("POST", "/api/auth/2fa/totp/recover", code_body("Guessed-Code"));
    clear_at_rest.emplace("wrong recovery code", "Guessed-Code");
    ASSERT_EQ(recovering.call("POST", "/api/auth/2fa/totp/recover", code_body(code)).status, 200);
    note_tokens(secrets, recovering);
    who.log_in_with_totp();
    clear_at_rest.emplace("TOTP code", who.app.last());
    (void)who.call("POST", "/api/auth/refresh", {}, {{"Cookie", "refresh_token=" + who.refresh}});
    note_tokens(secrets, who);

    (void)who.call("POST", "/api/auth/password/reset-request", R"({"email":")" + who.email + "\"}");
    const auto link = mailed_token(stage.sink, who.email, 2);
    note_token(secrets, "reset link", link);
    const std::string fresh = "Another-Horse-8-of-mine";
    clear_at_rest.emplace("new password", fresh);
    send_malformed(stage.server.port(), who, "Misplaced-Secret-99");
    clear_at_rest.emplace("misplaced secret", "Misplaced-Secret-99");
    send_malformed(stage.server.port(), who, who.access);
    ASSERT_EQ(who.call("POST", "/api/auth/password/reset?token=" + link,
                       R"({"newPassword":")" + fresh + "\"}")
                  .status,
              200);
}

void expect_none_in(const secret_list& secrets, const fs::path& file) {
    const auto text = read_file(file);
    for (const auto& [kind, secret] : secrets)
        EXPECT_FALSE(holds(text, secret)) << "a " << kind << " is in " << file;
}

TEST(SecretsInLogs, NoSecretInAnyLogNorInClearAtRest) {
    scene stage(COUNTERSIGN_PROGRAM,
                {{"log.level", "trace"}, {"policy.email_factor_by_default", "true"}});
    secret_list secrets, clear_at_rest;
    ASSERT_NO_FATAL_FAILURE(live(stage, secrets, clear_at_rest));

    const auto data = stage.server.data_dir() / "data";
    const auto command_log = stage.server.data_dir() / "command.log";
    const auto made =
        run(std::string(COUNTERSIGN_PROGRAM) + " key create --name probe --scopes verify" +
            " --data_dir=" + data.string() + " --log.level=trace 2>>" + command_log.string());
    ASSERT_EQ(made.status, 0) << read_file(command_log);
    const auto key = made.output.substr(0, made.output.find('\n'));
    ASSERT_TRUE(key.starts_with("csk_")) << made.output;
    clear_at_rest.emplace("service key", key);
    (void)http_request(stage.server.port(), "GET", "/api/users/me",
                       {{"Authorization", "Bearer " + key}});

    auto all = secrets;
    all.insert(clear_at_rest.begin(), clear_at_rest.end());
    ASSERT_GE(all.size(), 35u);
    EXPECT_EQ(stage.server.stop(), 0); // the log is written behind the replies; now it is whole
    ASSERT_NE(stage.server.log().find("sent to 1"), std::string::npos); // it was talkative
    expect_none_in(all, stage.server.data_dir() / "log");
    expect_none_in(all, command_log);

    std::size_t stored = 0;
    for (const auto& entry : fs::recursive_directory_iterator(data / "redis")) {
        if (!entry.is_regular_file()) continue;
        stored += entry.file_size();
        // Tokens are not stored at all, links sealed, all else hashed.
        expect_none_in(all, entry.path());
    }
    ASSERT_GT(stored, 10'000u);
}

// The same for the credentials and codes of the other families, and for what an import brings.
TEST(SecretsInLogs, NoSecretOfTheOtherFamilies) {
    const smtp_sink sink;
    auto settings = with_all_families({{"log.level", "trace"}});
    settings["mail.url"] = "smtp://127.0.0.1:" + std::to_string(sink.port());
    server_process server(COUNTERSIGN_PROGRAM, settings);
    const auto key = make_service_key(COUNTERSIGN_PROGRAM, server).key;
    account_holder who(server, sink, key);
    secret_list secrets{{"password", who.password},
                        {"service key", key},
                        {"Clara's public key", settings.at("clara.public_key")},
                        {"Clara's private key", settings.at("clara.private_key")}};

    who.sign_in_at_slugbase();
    who.slugbase.take_csrf_token();
    secrets.emplace("CSRF token", who.slugbase.csrf);
    note_token(secrets, "session cookie", who.slugbase.cookies.at("slugbase.sid"));
    who.slugbase.enrol(holder_totp_window);
    secrets.emplace("TOTP code", who.slugbase.app.last());
    for (const auto& code : who.slugbase.backup_codes)
        secrets.emplace("backup code", code);
    const auto api_token = who.slugbase.make_api_token();
    secrets.emplace("API token", api_token);
    const std::vector<std::pair<std::string, std::string>> headers{
        {"Authorization", "Bearer " + api_token}};
    ASSERT_EQ(http_request(server.port(), "GET", "/api/auth/me", headers).status, 200);
    (void)http_request(server.port(), "GET", "/api/tokens/" + api_token, headers);

    const auto& code = who.slugbase.backup_codes.front();
    ASSERT_EQ(who.backend.verify(who.id, code).status, 200);
    ASSERT_EQ(who.backend.verify(who.id, "Guessed-Backup-Code").status, 200);
    secrets.emplace("wrong code", "Guessed-Backup-Code");
    const std::string seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    (void)who.backend.import(
        R"({"subject":"imported","email":"imported@example.org","totp":["otpauth://totp/a?secret=)" +
        seed + "\"]}\n" + R"({"subject":")" + seed + R"(-broken, "totp": 1)" + "\n");
    secrets.emplace("imported TOTP secret", seed);

    EXPECT_EQ(server.stop(), 0);
    ASSERT_NE(server.log().find("imported: "), std::string::npos); // it was talkative
    expect_none_in(secrets, server.data_dir() / "log");
}

} // namespace
} // namespace countersign::tests
