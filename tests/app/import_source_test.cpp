#include "app/import_source.hpp"

#include "app/line_reader.hpp"
#include "core/crypto/encoding.hpp"
#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace countersign::app {
namespace {

using kind = import_record::kind;

constexpr std::string_view secret_a = "KRUGS4ZANFZSAYJANRXW4ZZA";
constexpr std::string_view secret_b = "MFRGGZDFMZTWQ2LKNNWG23TP";
// The same, as Authelia's YAML has them: base64 of that text.
constexpr std::string_view authelia_a = "S1JVR1M0WkFORlpTQVlKQU5SWFc0WlpB";
constexpr std::string_view authelia_b = "TUZSR0daREZNWlRXUTJMS05OV0cyM1RQ";

std::string uri(std::string_view label, std::string_view secret, std::string_view rest = "") {
    return "otpauth://totp/" + std::string(label) + "?secret=" + std::string(secret) +
           std::string(rest);
}

struct reading {
    std::vector<import_record> records;
    std::optional<import_format> format;
    std::uint64_t left_out = 0;
    std::string error; // why it ended early, or did not begin

    // `number kind who: line or sentence`, a line each. A sentence is cut at its colon.
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const auto& record : records) {
            all += std::to_string(record.number);
            if (record.what == kind::line) all += " line ";
            if (record.what == kind::skipped) all += " skipped ";
            if (record.what == kind::rejected) all += " rejected ";
            all += record.who + ": " +
                   (record.what == kind::line ? record.line.reveal() : record.sentence) + "\n";
        }
        return error.empty() ? all : all + "error: " + error;
    }
};

class ImportSource : public ::testing::Test {
protected:
    reading read_file(const std::filesystem::path& file, import_options options = {}) {
        reading all;
        auto source = import_source::open(file, std::move(options));
        if (!source) {
            all.error = source.error().sentence;
            return all;
        }
        all.format = source->format();
        for (;;) {
            auto record = source->next();
            if (!record) {
                all.error = record.error().sentence;
                break;
            }
            if (!*record) break;
            EXPECT_LE(source->bytes_done(), source->bytes_total().value_or(~std::uint64_t{}));
            all.records.push_back(**std::move(record));
        }
        all.left_out = source->users_left_out();
        EXPECT_EQ(source->bytes_done(), source->bytes_total().value_or(source->bytes_done()));
        return all;
    }
    reading read(std::string_view text, import_options options = {}) {
        return read_file(directory.write("import", text), std::move(options));
    }
    // Lists one user per configuration.
    static std::string authelia(const std::vector<std::string>& configurations) {
        std::string text = "# yaml-language-server: $schema=https://www.authelia.com/schemas/v4.39/"
                           "json-schema/exports.totp.json\n\ntotp_configurations:\n";
        for (const auto& one : configurations)
            text += one;
        return text;
    }

    tests::temporary_directory directory;
    const import_options at_example{.email_domain = "example.org"};
};

// What is written to be imported is what an import takes.
core::import_line line_of(const import_record& record) {
    auto line = core::parse_import_line(record.line.reveal());
    EXPECT_TRUE(line.has_value()) << record.line.reveal() << record.sentence;
    return std::move(line).value();
}

std::string base32_of(const core::otpauth& device) {
    return core::to_base32(device.secret.reveal());
}

// --- NDJSON

TEST_F(ImportSource, NdjsonLines_ComeAsTheyAre) {
    const auto all = read("{\"subject\":\"a\", \"email\":\"a@b.org\"}\r\n\n  \nnot checked here\n"
                          "{\"subject\":\"b\"}");
    EXPECT_EQ(all.format, import_format::ndjson);
    EXPECT_EQ(all.text(), "1 line : {\"subject\":\"a\", \"email\":\"a@b.org\"}\n"
                          "4 line : not checked here\n"
                          "5 line : {\"subject\":\"b\"}\n");
}

TEST_F(ImportSource, ANdjsonLineOverTheLimit_IsRejectedAndTheOthersGoOn) {
    constexpr auto limit = core::import_line_size_max;
    for (const std::size_t size : {limit + 1, limit + 2, 4 * limit, 20 * limit}) {
        const auto all = read("{\"subject\":1}\n" + std::string(limit, 'x') + "\r\n" +
                              std::string(size, 'y') + "\nlast");
        ASSERT_EQ(all.records.size(), 4U) << size;
        EXPECT_EQ(all.records[1].line.reveal(), std::string(limit, 'x'));
        EXPECT_EQ(all.records[2].what, kind::rejected);
        EXPECT_EQ(all.records[2].number, 3U);
        EXPECT_EQ(all.records[2].sentence, "a line has at most 16384 bytes");
        EXPECT_EQ(all.records[3].line.reveal(), "last");
    }
    // Also where one reading of the file ends between its CR and its LF.
    const std::string before(line_reader::look_ahead_size - limit - 1, '\n');
    const auto split =
        read(before + std::string(limit, 'x') + "\r\n", {.format = import_format::ndjson});
    ASSERT_EQ(split.records.size(), 1U);
    EXPECT_EQ(split.records[0].line.reveal(), std::string(limit, 'x'));
    // And where the file ends in it.
    const auto all = read("{\"subject\":1}\n" + std::string(100'000, 'y'));
    ASSERT_EQ(all.records.size(), 2U);
    EXPECT_EQ(all.records[1].what, kind::rejected);
}

TEST_F(ImportSource, ALargeNdjsonFile_KeepsItsLinesAndNumbers) {
    std::string text;
    for (int i = 1; i <= 20'000; ++i)
        text += "{\"subject\":\"" + std::to_string(i) + "\"}" + std::string(i % 97, ' ') + "\n";
    const auto all = read(text);
    ASSERT_EQ(all.records.size(), 20'000U);
    for (std::size_t i = 0; i < all.records.size(); ++i) {
        ASSERT_EQ(all.records[i].number, i + 1);
        ASSERT_TRUE(all.records[i].line.reveal().starts_with("{\"subject\":\"" +
                                                             std::to_string(i + 1) + "\"}"));
    }
}

TEST_F(ImportSource, APipe_IsReadWithoutATotal) {
    const auto path = directory.path() / "pipe";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    std::jthread writer([&] {
        std::ofstream out(path);
        for (int i = 0; i < 5'000; ++i)
            out << "{\"subject\":\"" << i << "\",\"email\":\"a@b.org\"}\n";
    });
    auto source = import_source::open(path, {});
    ASSERT_TRUE(source.has_value());
    EXPECT_FALSE(source->bytes_total().has_value());
    int count = 0;
    for (auto record = source->next(); record && *record; record = source->next())
        ++count;
    EXPECT_EQ(count, 5'000);
    EXPECT_GT(source->bytes_done(), 150'000U);
}

// --- Lists of URIs

TEST_F(ImportSource, AUriPerLine_IsASubjectNamedAfterItsAccount) {
    const auto all = read("# exported on Monday\n\n" +
                          uri("Acme:ada@example.org", secret_a, "&issuer=Acme&digits=8") + "\n  " +
                          uri("Acme:Bob@Example.org", secret_b) + "\r\n");
    EXPECT_EQ(all.format, import_format::otpauth);
    ASSERT_EQ(all.records.size(), 2U) << all.text();
    EXPECT_EQ(all.records[0].number, 3U);
    EXPECT_EQ(all.records[0].who, "ada@example.org");
    const auto ada = line_of(all.records[0]), bob = line_of(all.records[1]);
    EXPECT_EQ(ada.subject, "ada@example.org");
    EXPECT_EQ(ada.email.value(), "ada@example.org");
    ASSERT_EQ(ada.totp.size(), 1U);
    EXPECT_EQ(base32_of(ada.totp[0]), secret_a);
    EXPECT_EQ(ada.totp[0].issuer, "Acme");
    EXPECT_EQ(ada.totp[0].parameters.digits, 8);
    EXPECT_EQ(bob.subject, "Bob@Example.org");
    EXPECT_EQ(bob.email.value(), "bob@example.org");
}

TEST_F(ImportSource, UrisOfOneSubject_AreOneLineWhereTheyStandTogether) {
    const auto all = read(uri("A:ada", secret_a) + "\n\n" + uri("B:ada", secret_b) + "\n" +
                              uri("A:bob", secret_a) + "\n" + uri("A:ada", "GEZDGNBVGY3TQOJQ"),
                          at_example);
    ASSERT_EQ(all.records.size(), 3U) << all.text();
    EXPECT_EQ(all.records[0].number, 1U);
    EXPECT_EQ(line_of(all.records[0]).totp.size(), 2U);
    EXPECT_EQ(line_of(all.records[1]).subject, "bob");
    EXPECT_EQ(line_of(all.records[1]).email.value(), "bob@example.org");
    EXPECT_EQ(all.records[2].number, 5U);
    EXPECT_EQ(line_of(all.records[2]).subject, "ada");
    EXPECT_EQ(line_of(all.records[2]).totp.size(), 1U);
}

TEST_F(ImportSource, AWrongUri_IsRejectedAloneAndDoesNotPartItsNeighbours) {
    const auto all = read(uri("A:ada", secret_a) + "\nhello\n" + uri("A:ada", secret_a) + "\n" +
                              uri("A:ada", secret_b) + "\n",
                          at_example);
    ASSERT_EQ(all.records.size(), 3U) << all.text();
    EXPECT_EQ(all.records[0].number, 2U);
    EXPECT_EQ(all.records[0].sentence,
              "it is no otpauth:// URI, or one that can be read in two ways");
    EXPECT_EQ(all.records[1].number, 3U);
    EXPECT_EQ(all.records[1].sentence, "its secret is already in line 1");
    EXPECT_EQ(all.records[2].number, 1U);
    EXPECT_EQ(line_of(all.records[2]).totp.size(), 2U);
}

TEST_F(ImportSource, EveryKindOfWrongUri_IsNamed) {
    const std::vector<std::pair<std::string, std::string>> rows = {
        {uri("ada", ""), "its secret is missing"},
        {uri("ada", "10189"), "its secret is not base32, or longer than 128 bytes"},
        {uri("ada", "GEZDGNBVGY3TQOI"), "its secret is shorter than 10 bytes"},
        {uri("ada", secret_a, "&algorithm=MD5"), "its algorithm is not SHA1, SHA256 or SHA512"},
        {uri("ada", secret_a, "&digits=10"), "its codes do not have 6 to 8 digits"},
        {uri("ada", secret_a, "&period=0"), "its period is not 1 to 300 seconds"},
        {uri("", secret_a), "its label names no account"},
        {"otpauth://steam/ada?secret=GEZDGNBVGY3TQOJQ", "only otpauth://totp/ is taken"},
        {"otpauth-migration://offline?data=CjE", "this is what Google Authenticator hands to "
                                                 "another phone: a list of otpauth:// URIs is "
                                                 "needed"},
        {"otpauth://totp/" + std::string(20'000, 'a'), "the line has more than 16384 bytes"},
        {uri("a%2Fb", secret_a),
         std::string(core::describe(core::import_line_error::invalid_subject))},
        {uri("J%C3%B6rg@example.org", secret_a),
         "its e-mail address is none that can be used: one in ASCII is needed"},
        {uri("a%20b", secret_a), "its user name and --email-domain make no e-mail address"},
    };
    for (const auto& [text, sentence] : rows) {
        const auto all =
            read(text + "\n", {.format = import_format::otpauth, .email_domain = "example.org"});
        ASSERT_EQ(all.records.size(), 1U) << text;
        EXPECT_EQ(all.records[0].what, kind::rejected) << text;
        EXPECT_EQ(all.records[0].sentence, sentence);
        EXPECT_EQ(all.records[0].sentence.find(secret_a), std::string::npos);
    }
    const auto all = read("otpauth://hotp/ada?secret=GEZDGNBVGY3TQOJQ&counter=1\n");
    EXPECT_EQ(all.text(), "1 skipped : counter-based codes (HOTP) are not carried over\n");
}

TEST_F(ImportSource, MoreDevicesThanASubjectMayHave_AreRejectedOneByOne) {
    std::string text;
    for (char c = 'A'; c < 'M'; ++c)
        text += uri("ada", "GEZDGNBVGY3TQOJ" + std::string(1, c)) + "\n";
    const auto all = read(text, at_example);
    ASSERT_EQ(all.records.size(), 3U) << all.text();
    EXPECT_EQ(all.records[0].number, 11U);
    EXPECT_EQ(all.records[0].sentence, "a subject has at most 10 TOTP devices");
    EXPECT_EQ(all.records[1].number, 12U);
    EXPECT_EQ(line_of(all.records[2]).totp.size(), 10U);
}

TEST_F(ImportSource, AUserNameThatIsNoAddress_NeedsADomain) {
    const auto all = read(uri("ada", secret_a) + "\n" + uri("bob@example.org", secret_b) + "\n");
    ASSERT_EQ(all.records.size(), 2U);
    EXPECT_EQ(all.records[0].sentence, "it has no e-mail address: name the domain of your users' "
                                       "addresses with --email-domain");
    EXPECT_EQ(all.records[0].who, "ada");
    EXPECT_EQ(all.records[1].what, kind::line);
    // An address stays what it is.
    const auto with_domain = read(uri("bob@other.org", secret_b) + "\n", at_example);
    EXPECT_EQ(line_of(with_domain.records.at(0)).email.value(), "bob@other.org");
}

TEST_F(ImportSource, AutheliasListOfUris_IsReadToItsLastWord) {
    const auto all = read(
        "otpauth://totp/Authelia:ada?algorithm=SHA1&digits=6&issuer=Authelia&period=30&secret=" +
            std::string(secret_a) +
            "\notpauth://totp/auth.example.org:bob?algorithm=SHA512&digits=8&"
            "issuer=auth.example.org&period=60&secret=" +
            std::string(secret_b) +
            "\n\n\nSuccessfully exported 2 TOTP configurations as TOTP URI's and printed them to "
            "the console\n",
        at_example);
    ASSERT_EQ(all.records.size(), 2U) << all.text();
    const auto bob = line_of(all.records[1]);
    EXPECT_EQ(bob.email.value(), "bob@example.org");
    EXPECT_EQ(bob.totp.at(0).parameters,
              (core::totp_parameters{
                  .algorithm = core::hash_algorithm::sha512, .digits = 8, .period_s = 60}));
}

// --- Authelia's YAML

TEST_F(ImportSource, AutheliasYaml_IsRead) {
    const auto all = read(authelia({"    - created_at: 2024-03-01T10:20:30.123456789+01:00\n"
                                    "      last_used_at: 2025-01-02T03:04:05Z\n"
                                    "      username: ada\n"
                                    "      issuer: Authelia\n"
                                    "      algorithm: SHA1\n"
                                    "      digits: 6\n"
                                    "      period: 30\n"
                                    "      secret: " +
                                        std::string(authelia_a) + "\n",
                                    "    - created_at: 2024-03-01T10:20:30Z\n"
                                    "      last_used_at: null\n"
                                    "      username: \"bob@example.com\"\n"
                                    "      issuer: 'auth: home'\n"
                                    "      algorithm: SHA256\n"
                                    "      digits: 8\n"
                                    "      period: 60\n"
                                    "      secret: " +
                                        std::string(authelia_b) + "\n"}),
                          at_example);
    EXPECT_EQ(all.format, import_format::authelia);
    ASSERT_EQ(all.records.size(), 2U) << all.text();
    EXPECT_EQ(all.records[0].number, 1U);
    const auto ada = line_of(all.records[0]), bob = line_of(all.records[1]);
    EXPECT_EQ(ada.subject, "ada");
    EXPECT_EQ(ada.email.value(), "ada@example.org");
    EXPECT_EQ(base32_of(ada.totp.at(0)), secret_a);
    EXPECT_EQ(core::device_label(ada.totp.at(0)), "Authelia (ada)");
    EXPECT_EQ(bob.subject, "bob@example.com");
    EXPECT_EQ(bob.email.value(), "bob@example.com");
    EXPECT_EQ(base32_of(bob.totp.at(0)), secret_b);
    EXPECT_EQ(bob.totp.at(0).issuer, "auth: home");
    EXPECT_EQ(bob.totp.at(0).parameters,
              (core::totp_parameters{
                  .algorithm = core::hash_algorithm::sha256, .digits = 8, .period_s = 60}));
}

TEST_F(ImportSource, WrongConfigurationsOfAuthelia_AreRejectedAndTheOthersGoOn) {
    const auto one = [](const std::string& username, const std::string& algorithm,
                        const std::string& digits, const std::string& secret) {
        return "- {username: " + username + ", issuer: A, algorithm: " + algorithm +
               ", digits: " + digits + ", period: 30, secret: " + secret + "}\n";
    };
    const std::string good(authelia_a);
    const auto all =
        read(authelia({one("''", "SHA1", "6", good), one("u2", "MD5", "6", good),
                       one("u3", "SHA1", "six", good), one("u4", "SHA1", "9", good),
                       one("u5", "SHA1", "6", "'***'"),
                       one("u6", "SHA1", "6", std::string(secret_a)), one("u7", "SHA1", "6", "''"),
                       "- just a text\n", "- [a, list]\n", "- {username: &u u10, issuer: *u}\n",
                       "- {username: u11, username: u11}\n", "- {username: [u12], secret: x}\n",
                       one("u/13", "SHA1", "6", good), "-\n", one("last", "SHA1", "6", good)}),
             at_example);
    const std::string plain =
        "a configuration is an object of texts and numbers, each there once\n";
    const std::string secret = "its secret is not the base64 of a base32 text\n";
    const std::string general(core::describe(core::import_line_error::invalid_totp));
    ASSERT_EQ(all.records.size(), 15U) << all.text();
    EXPECT_EQ(line_of(all.records.back()).subject, "last");
    const std::string text = all.text();
    EXPECT_EQ(text.substr(0, text.find("15 line")),
              "1 rejected : its username is missing\n"
              "2 rejected u2: its algorithm is not SHA1, SHA256 or SHA512\n"
              "3 rejected u3: its digits and period are whole numbers\n"
              "4 rejected u4: " +
                  general +
                  "\n"
                  "5 rejected u5: " +
                  secret + "6 rejected u6: " + secret + "7 rejected u7: " + general +
                  "\n"
                  "8 rejected : " +
                  plain + "9 rejected : " + plain + "10 rejected u10: " + plain +
                  "11 rejected u11: " + plain + "12 rejected : " + plain + "13 rejected : " +
                  std::string(core::describe(core::import_line_error::invalid_subject)) +
                  "\n"
                  "14 rejected : " +
                  plain);
}

TEST_F(ImportSource, YamlThatIsNoExport_IsAnErrorOfTheFile) {
    const import_options as_authelia{.format = import_format::authelia};
    const std::string none = "totp_configurations";
    for (const std::string text :
         {"", "webauthn_credentials:\n- {}\n", "totp_configurations: 1\n",
          "- totp_configurations\n", "a:\n  totp_configurations:\n  - {}\n",
          "? totp_configurations\n? [1]\n"})
        EXPECT_NE(read(text, as_authelia).error.find(none), std::string::npos) << text;
    EXPECT_EQ(read("totp_configurations: []\n", as_authelia).text(), "");

    for (const std::string& text :
         {std::string("totp_configurations:\n- {username: [\n"),
          std::string("totp_configurations:\n\t- x\n"),
          "totp_configurations: " + std::string(20'000, '['),
          "totp_configurations:\n- {username: \"" + std::string(authelia_a) + "\n"}) {
        const auto error = read(text, as_authelia).error;
        EXPECT_NE(error.find("no YAML that can be read: see line "), std::string::npos) << error;
        EXPECT_EQ(error.find(authelia_a), std::string::npos);
    }
    for (const std::string text :
         {"totp_configurations: []\n---\ntotp_configurations: []\n", ",totp_configurations: []\n"})
        EXPECT_NE(read(text, as_authelia).error.find("more in it than one YAML document"),
                  std::string::npos)
            << text;
    // The parser would take this for the end.
    EXPECT_NE(read("totp_configurations: []\n\x04", as_authelia).error.find("control characters"),
              std::string::npos);
}

// --- Keycloak's realm export

std::string otp_credential(std::string_view data, std::string_view secret,
                           std::string_view label = "") {
    const auto escaped = [](std::string_view text) {
        std::string out;
        for (const char c : text)
            out += c == '"' ? std::string("\\\"") : std::string(1, c);
        return out;
    };
    return R"({"id":"0b1f0f6e-0000-4000-8000-000000000001","type":"otp","userLabel":")" +
           std::string(label) + R"(","createdDate":1700000000000,"secretData":"{\"value\":\")" +
           std::string(secret) + R"(\"}","credentialData":")" + escaped(data) + "\"}";
}
std::string totp_data(std::string_view rest = "", std::string_view algorithm = "HmacSHA1",
                      int digits = 6, int period = 30) {
    return R"({"subType":"totp","digits":)" + std::to_string(digits) + R"(,"counter":0,"period":)" +
           std::to_string(period) + R"(,"algorithm":")" + std::string(algorithm) + "\"" +
           std::string(rest) + "}";
}
constexpr std::string_view password_credential =
    R"({"id":"0b1f0f6e-0000-4000-8000-000000000002","type":"password",)"
    R"("secretData":"{\"value\":\"qZ0=\",\"salt\":\"cA==\",\"additionalParameters\":{}}",)"
    R"("credentialData":"{\"hashIterations\":5,\"algorithm\":\"argon2\",)"
    R"(\"additionalParameters\":{}}"})";

std::string user(std::string_view id, std::string_view username,
                 const std::vector<std::string>& credentials, std::string_view rest = "") {
    std::string list(password_credential);
    for (const auto& one : credentials)
        list += "," + one;
    return R"({"id":")" + std::string(id) + R"(","username":")" + std::string(username) +
           R"(","emailVerified":true,"enabled":true,"totp":true,"credentials":[)" + list +
           R"(],"disableableCredentialTypes":[],)"
           R"("requiredActions":[],"realmRoles":["x"],"notBefore":0)" +
           std::string(rest) + "}";
}
std::string realm(const std::vector<std::string>& users) {
    std::string list;
    for (const auto& one : users)
        list += (list.empty() ? "" : ", ") + one;
    return "{\n  \"id\" : \"5d1c\",\n  \"realm\" : \"acme\",\n  \"notBefore\" : 0,\n"
           "  \"otpPolicyType\" : \"totp\",\n  \"users\" : [ " +
           list + " ],\n  \"clients\" : [ { \"clientId\" : \"account\" } ]\n}\n";
}
constexpr std::string_view id_1 = "9c2d7f6a-1111-4000-8000-000000000001";
constexpr std::string_view id_2 = "9c2d7f6a-1111-4000-8000-000000000002";
constexpr std::string_view raw_secret = "Zk3fT8qLw0XyB5nRd7Ju";

TEST_F(ImportSource, AKeycloakUser_ComesWithNameLanguageAndDevices) {
    const auto all = read(realm({user(
        id_1, "ada",
        {otp_credential(totp_data(), raw_secret, "iPhone"),
         otp_credential(totp_data(R"(,"secretEncoding":"BASE32")", "HmacSHA512", 8, 60), secret_b)},
        R"(,"email":"Ada@example.org","firstName":"Ada","lastName":"Löv",)"
        R"("attributes":{"locale":["pt_BR"],"x":["y"]})")}));
    EXPECT_EQ(all.format, import_format::keycloak);
    ASSERT_EQ(all.records.size(), 1U) << all.text();
    EXPECT_EQ(all.records[0].who, "ada");
    const auto line = line_of(all.records[0]);
    EXPECT_EQ(line.subject, id_1);
    EXPECT_EQ(line.email.value(), "ada@example.org");
    EXPECT_EQ(line.name, "Ada Löv");
    EXPECT_EQ(line.locale, "pt-BR");
    ASSERT_EQ(line.totp.size(), 2U);
    // Without an encoding the bytes of the text are the secret.
    EXPECT_EQ(core::text_of(line.totp[0].secret.reveal()), raw_secret);
    EXPECT_EQ(line.totp[0].parameters, core::totp_parameters{});
    EXPECT_EQ(core::device_label(line.totp[0]), "acme (iPhone)");
    EXPECT_EQ(base32_of(line.totp[1]), secret_b);
    EXPECT_EQ(line.totp[1].parameters,
              (core::totp_parameters{
                  .algorithm = core::hash_algorithm::sha512, .digits = 8, .period_s = 60}));
    EXPECT_EQ(core::device_label(line.totp[1]), "acme (ada)");
}

TEST_F(ImportSource, AKeycloakUserName_IsTheSubjectWhereThatIsAsked) {
    const auto text =
        realm({user(id_1, "ada", {otp_credential(totp_data("", "HmacSHA256"), raw_secret)})});
    const auto all = read(text, {.email_domain = "example.org", .usernames_as_subjects = true});
    ASSERT_EQ(all.records.size(), 1U);
    const auto line = line_of(all.records[0]);
    EXPECT_EQ(line.subject, "ada");
    EXPECT_EQ(line.email.value(), "ada@example.org");
    EXPECT_EQ(line.name, "ada"); // it has no names of its own
    EXPECT_EQ(line.totp.at(0).parameters.algorithm, core::hash_algorithm::sha256);
    EXPECT_TRUE(read(text).records.at(0).sentence.starts_with("it has no e-mail address"));
}

TEST_F(ImportSource, KeycloakNamesAndLanguagesThatCannotBe_AreLeftOut) {
    const auto all = read(
        realm({user(id_1, "ada", {otp_credential(totp_data(), raw_secret)},
                    R"(,"email":"a@b.org","firstName":"a\nb","attributes":{"locale":["-"]})"),
               user(id_2, "bob", {otp_credential(totp_data(), raw_secret)},
                    R"(,"email":"b@b.org","lastName":"Byron","attributes":{"locale":"de"})")}));
    ASSERT_EQ(all.records.size(), 2U) << all.text();
    EXPECT_EQ(line_of(all.records[0]).name, "ada");
    EXPECT_EQ(line_of(all.records[0]).locale, "");
    EXPECT_EQ(line_of(all.records[1]).name, "Byron");
    EXPECT_EQ(line_of(all.records[1]).locale, "de");
}

TEST_F(ImportSource, KeycloakUsersWithoutAnAuthenticator_AreCountedUnlessTheyAreWanted) {
    const auto text = realm(
        {user(id_1, "ada", {}, R"(,"email":"a@b.org")"),
         user(id_2, "bob", {otp_credential(totp_data(), raw_secret)}, R"(,"email":"b@b.org")"),
         R"({"id":"s","username":"service-account-x",)"
         R"("serviceAccountClientId":"x","email":"s@b.org"})"});
    const auto few = read(text);
    ASSERT_EQ(few.records.size(), 1U) << few.text();
    EXPECT_EQ(few.records[0].number, 2U);
    EXPECT_EQ(few.left_out, 1U);

    const auto all = read(text, {.users_without_totp = true});
    ASSERT_EQ(all.records.size(), 2U) << all.text();
    EXPECT_EQ(line_of(all.records[0]).subject, id_1);
    EXPECT_TRUE(line_of(all.records[0]).totp.empty());
    EXPECT_EQ(all.left_out, 0U);
}

TEST_F(ImportSource, WhatKeycloakHasAndCannotBeCarriedOver_IsSaid) {
    const std::string hotp = otp_credential(
        R"({"subType":"hotp","digits":6,"counter":3,"period":0,"algorithm":"HmacSHA1"})",
        raw_secret);
    const std::string recovery =
        R"({"type":"recovery-authn-codes","secretData":"{}","credentialData":"{}"})";
    const auto all =
        read(realm({user(id_1, "ada", {hotp}, R"(,"email":"a@b.org")"),
                    user(id_2, "bob", {hotp, otp_credential(totp_data(), raw_secret), recovery},
                         R"(,"email":"b@b.org")"),
                    user("3", "eve", {recovery}, R"(,"email":"e@b.org")")}));
    ASSERT_EQ(all.records.size(), 4U) << all.text();
    EXPECT_EQ(all.records[0].what, kind::skipped);
    EXPECT_EQ(all.records[0].number, 1U);
    EXPECT_EQ(all.records[0].who, "ada");
    EXPECT_EQ(all.records[0].sentence, "counter-based codes (HOTP) are not carried over");
    EXPECT_EQ(line_of(all.records[1]).totp.size(), 1U);
    EXPECT_EQ(all.records[2].what, kind::skipped);
    EXPECT_EQ(all.records[2].who, "bob");
    EXPECT_TRUE(all.records[3].sentence.starts_with("its recovery codes are not carried over"));
    EXPECT_EQ(all.left_out, 1U);
}

TEST_F(ImportSource, AKeycloakCredentialThatCannotBeRead_RejectsItsUserOnly) {
    const std::string good = otp_credential(totp_data(), raw_secret);
    const std::string totp(core::describe(core::import_line_error::invalid_totp));
    const std::string encoding =
        "its secret is not in the encoding that secretEncoding names (BASE32)";
    const std::vector<std::pair<std::string, std::string>> rows = {
        {otp_credential(totp_data("", "HmacMD5"), raw_secret),
         "its algorithm is not HmacSHA1, HmacSHA256 or HmacSHA512"},
        {otp_credential(totp_data("", "HmacSHA1", 5), raw_secret), totp},
        {otp_credential(totp_data("", "HmacSHA1", 6, 0), raw_secret), totp},
        {otp_credential(totp_data(), "short"), totp},
        {otp_credential(totp_data(R"(,"secretEncoding":"HEX")"), raw_secret), encoding},
        {otp_credential(totp_data(R"(,"secretEncoding":"BASE32")"), "0189"), encoding},
        {otp_credential("{}", raw_secret),
         "the credentialData of a credential names no subType totp or hotp"},
        {otp_credential("no json", raw_secret),
         "the credentialData of a credential names no subType totp or hotp"},
        {R"({"type":"otp","credentialData":"{\"subType\":\"totp\",\"algorithm\":\"HmacSHA1\"}"})",
         "the secretData of a credential is not a JSON object written as a text"},
        {R"({"type":"totp","hashedSaltedValue":"x","digits":6,"period":30})",
         "its one-time password is kept as before Keycloak 8: export it with a later version"},
        {good, std::string(core::describe(core::import_line_error::duplicate_totp))},
    };
    for (const auto& [credential, sentence] : rows) {
        const auto all = read(realm({user(id_1, "ada", {good, credential}, R"(,"email":"a@b.org")"),
                                     user(id_2, "bob", {good}, R"(,"email":"b@b.org")")}));
        ASSERT_EQ(all.records.size(), 2U) << credential << all.text();
        EXPECT_EQ(all.records[0].what, kind::rejected) << credential;
        EXPECT_EQ(all.records[0].sentence, sentence);
        EXPECT_EQ(all.records[1].what, kind::line) << all.records[1].sentence;
    }
    const auto odd = read(realm({"7", user("", "ada", {good}, R"(,"email":"a@b.org")"),
                                 user("x", "bob\\u001b[2J", {good}, R"(,"email":"no")")}));
    EXPECT_EQ(odd.text(),
              "1 rejected : a user is an object\n2 rejected ada: " +
                  std::string(core::describe(core::import_line_error::invalid_subject)) +
                  "\n3 rejected : its e-mail address is none that can be used: one in "
                  "ASCII is needed\n");
}

TEST_F(ImportSource, KeycloakFilesOfUsersAndOfSeveralRealms_AreReadToo) {
    const auto one =
        user(id_1, "ada", {otp_credential(totp_data(), raw_secret)}, R"(,"email":"a@b.org")");
    const auto users = read(R"({"realm":"acme","users":[)" + one + "]}");
    EXPECT_EQ(users.format, import_format::keycloak);
    EXPECT_EQ(users.records.size(), 1U) << users.text();
    const auto realms = read("[ " + realm({one}) + "," + realm({one}) + R"(,{"realm":"empty"}])");
    EXPECT_EQ(realms.format, import_format::keycloak);
    ASSERT_EQ(realms.records.size(), 2U) << realms.text();
    EXPECT_EQ(realms.records[1].number, 2U);
}

TEST_F(ImportSource, JsonThatIsNoExport_IsAnErrorOfTheFile) {
    const import_options as_keycloak{.format = import_format::keycloak};
    for (const std::string text : {"{}", "[]", "7", R"({"realm":"acme"})", R"({"users":7})"})
        EXPECT_NE(read(text, as_keycloak).error.find(" has no users: "), std::string::npos) << text;
    const auto whole = realm({user(id_1, "ada", {otp_credential(totp_data(), raw_secret)})});
    for (const std::string& text : {std::string(), whole.substr(0, whole.size() / 2), whole + whole,
                                    std::string(100'000, '[')})
        EXPECT_NE(read(text, as_keycloak).error.find(" is no JSON"), std::string::npos);
    EXPECT_EQ(read(realm({}), as_keycloak).text(), "");
}

// --- The file and its format

TEST_F(ImportSource, Formats_AreToldFromTheContent) {
    EXPECT_EQ(detect_import_format(R"({"subject":"a"})"), import_format::ndjson);
    EXPECT_EQ(detect_import_format("\n {\"subject\":\"a\", oops\n"), import_format::ndjson);
    EXPECT_EQ(detect_import_format(R"({"sub":"a"})"), import_format::ndjson);
    EXPECT_EQ(detect_import_format("OTPAUTH://totp/a"), import_format::otpauth);
    EXPECT_EQ(detect_import_format("# list\n\notpauth://totp/a"), import_format::otpauth);
    EXPECT_EQ(detect_import_format("otpauth-migration://x"), import_format::otpauth);
    EXPECT_EQ(detect_import_format("---\ntotp_configurations:\n"), import_format::authelia);
    EXPECT_EQ(detect_import_format("x: 1\ntotp_configurations: []"), import_format::authelia);
    EXPECT_EQ(detect_import_format("{\n  \"id\" : \"x\""), import_format::keycloak);
    EXPECT_EQ(detect_import_format("{\"id\":\"" + std::string(60'000, 'x')),
              import_format::keycloak);
    EXPECT_EQ(detect_import_format(R"({"clients":[{"subject":")" + std::string(60'000, 'x')),
              import_format::keycloak);
    EXPECT_EQ(detect_import_format(R"({"realm":"a","users":[]})"), import_format::keycloak);
    for (const std::string_view unknown : {"", " \n", "#", "name,secret\nada,x", "\x1f\x8b\x08"})
        EXPECT_EQ(detect_import_format(unknown), std::nullopt) << unknown;
}

TEST_F(ImportSource, FormatsHaveNames) {
    for (const auto* name : {"ndjson", "otpauth", "authelia", "keycloak"})
        EXPECT_EQ(to_string(import_format_from(name).value()), name);
    EXPECT_EQ(import_format_from("csv"), std::nullopt);
    EXPECT_EQ(import_format_from(""), std::nullopt);
}

TEST_F(ImportSource, ANamedFormat_IsNotGuessed) {
    const auto all = read(R"({"realm":"a","users":[]})", {.format = import_format::ndjson});
    EXPECT_EQ(all.text(), "1 line : {\"realm\":\"a\",\"users\":[]}\n");
    EXPECT_EQ(read("", {.format = import_format::ndjson}).text(), "");
}

TEST_F(ImportSource, AByteOrderMark_IsPassedOver) {
    EXPECT_EQ(read("\xef\xbb\xbf{\"subject\":\"a\"}\n").text(), "1 line : {\"subject\":\"a\"}\n");
    EXPECT_EQ(read("\xef\xbb\xbf" + uri("a@b.org", secret_a)).records.size(), 1U);
    EXPECT_EQ(read("\xef\xbb\xbf" + realm({})).error, "");
}

TEST_F(ImportSource, AFileThatCannotBeRead_IsNamed) {
    const auto missing = directory.path() / "none";
    EXPECT_EQ(read_file(missing).error,
              "cannot read " + missing.string() + ": No such file or directory");
    EXPECT_EQ(read_file(directory.path()).error,
              "cannot read " + directory.path().string() + ": Is a directory");
    EXPECT_NE(read("").error.find("name it with --format ndjson, otpauth, authelia or keycloak"),
              std::string::npos);
}

TEST_F(ImportSource, ADomainThatIsNone_IsRefusedBeforeTheFileIsRead) {
    for (const std::string domain : {"@example.org", "example", "exa mple.org", "a.org,b.org"})
        EXPECT_TRUE(read("x", {.email_domain = domain}).error.starts_with("--email-domain is "))
            << domain;
}

// Files of all formats with bytes changed, removed and doubled: whatever is yielded can be
// imported.
TEST_F(ImportSource, MutilatedFiles_YieldGoodLinesAndReasonsOnly) {
    const char* const given = std::getenv("COUNTERSIGN_TEST_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    SCOPED_TRACE("COUNTERSIGN_TEST_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::vector<std::pair<import_format, std::string>> files = {
        {import_format::otpauth, uri("A:ada", secret_a) + "\n" +
                                     uri("A:ada", secret_b, "&issuer=A") + "\n" +
                                     uri("bob", secret_a) + "\n"},
        {import_format::authelia,
         authelia({"- username: ada\n  issuer: 'A'\n  algorithm: SHA1\n  digits: 6\n"
                   "  period: 30\n  secret: " +
                       std::string(authelia_a) + "\n",
                   "- {username: bob, issuer: A, algorithm: SHA1, digits: 6, period: 30, secret: " +
                       std::string(authelia_b) + "}\n"})},
        {import_format::keycloak,
         realm({user(id_1, "ada", {otp_credential(totp_data(), raw_secret, "phone")},
                     R"(,"email":"a@b.org","firstName":"Ada","attributes":{"locale":["de"]})")})},
    };
    int lines = 0;
    for (int round = 0; round < 1500; ++round) {
        const auto& [format, whole] = files[static_cast<std::size_t>(round) % files.size()];
        std::string text = whole;
        for (auto changes = 1 + random() % 4; changes > 0; --changes) {
            const auto at = random() % text.size();
            if (const auto what = random() % 4; what == 0)
                text[at] = static_cast<char>(random());
            else if (what == 1)
                text[at] = "\"\\{}[],:%&=?/ \n-#*|>!"[random() % 22];
            else if (what == 2)
                text.erase(at, 1 + random() % 8);
            else
                text.insert(at, text.substr(random() % text.size(), random() % 40));
        }
        const auto all = read(text, {.format = format, .email_domain = "example.org"});
        for (const auto& record : all.records) {
            const bool is_line = record.what == kind::line;
            lines += is_line ? 1 : 0;
            EXPECT_EQ(is_line, core::parse_import_line(record.line.reveal()).has_value());
            EXPECT_EQ(is_line, record.sentence.empty());
            EXPECT_GT(record.number, 0U);
        }
        ASSERT_FALSE(HasFailure()) << text;
    }
    EXPECT_GT(lines, 500);
}

TEST_F(ImportSource, AWholeFileOverTheLimit_IsRefusedWithAWayOut) {
    const auto file = directory.write("import", "{");
    std::filesystem::resize_file(file, import_file_size_max + 1); // a hole: no disk space
    for (const auto format : {import_format::keycloak, import_format::authelia}) {
        const auto error = read_file(file, {.format = format}).error;
        EXPECT_NE(error.find(" is larger than 256 MiB: "), std::string::npos) << error;
    }
}

} // namespace
} // namespace countersign::app
