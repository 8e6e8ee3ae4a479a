#include "core/import_line.hpp"

#include "core/crypto/encoding.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <set>

namespace countersign::core {
namespace {

constexpr std::string_view key20 = "12345678901234567890";
constexpr std::string_view key20_base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const std::string digest_a = std::string(62, 'a') + "01";
const std::string digest_b = std::string(62, 'b') + "23";

std::string uri(std::string_view label, std::string_view secret, std::string_view rest = "") {
    return "otpauth://totp/" + std::string(label) + "?secret=" + std::string(secret) +
           std::string(rest);
}

std::string quoted(const std::vector<std::string>& texts) {
    std::string list;
    for (const auto& text : texts)
        list += (list.empty() ? "\"" : ",\"") + text + '"';
    return '[' + list + ']';
}

// A good line with further members.
std::string line_with(std::string_view rest) {
    return R"({"subject":"user-1","email":"ada@example.org")" + std::string(rest) + "}";
}
std::string line_with_totp(const std::vector<std::string>& uris, std::string_view rest = "") {
    return line_with(R"(,"totp":)" + quoted(uris) + std::string(rest));
}
std::string line_with_codes(const std::vector<std::string>& codes) {
    return line_with_totp({uri("ada", key20_base32)}, R"(,"backupCodes":)" + quoted(codes));
}

import_line parsed(std::string_view text) {
    auto line = parse_import_line(text);
    EXPECT_TRUE(line.has_value()) << text << ": "
                                  << (line ? std::string_view() : to_string(line.error()));
    return std::move(line).value();
}

// The stable name of the error, or what was read instead.
std::string error_of(std::string_view text) {
    const auto line = parse_import_line(text);
    return line ? "read: " + to_json(*line) : std::string(to_string(line.error()));
}

// What policy says of a line with these devices; empty: nothing.
std::string verdict_of(const policy& rules, const std::vector<std::string>& uris) {
    const auto line = parse_import_line(line_with_totp(uris)).value();
    const auto no = check_import(line, rules);
    return no ? std::string(to_string(*no)) : std::string();
}

void expect_same(const import_line& left, const import_line& right) {
    EXPECT_EQ(left.subject, right.subject);
    EXPECT_EQ(left.email, right.email);
    EXPECT_EQ(left.name, right.name);
    EXPECT_EQ(left.locale, right.locale);
    EXPECT_EQ(left.backup_code_digests, right.backup_code_digests);
    ASSERT_EQ(left.totp.size(), right.totp.size());
    for (std::size_t i = 0; i < left.totp.size(); ++i) {
        EXPECT_EQ(left.totp[i].issuer, right.totp[i].issuer);
        EXPECT_EQ(left.totp[i].account_name, right.totp[i].account_name);
        EXPECT_EQ(left.totp[i].secret, right.totp[i].secret);
        EXPECT_EQ(left.totp[i].parameters, right.totp[i].parameters);
    }
}

TEST(ImportLine, WithEveryMember_IsRead) {
    const auto line = parsed("\t{\"subject\":\"u-1\" , \"email\":\" Ada@Example.org\",\n"
                             "\"name\":\"Ada L\\u00f6velace\", \"locale\":\"pt_br\",\"totp\":[\"" +
                             uri("Acme:ada", key20_base32, "&issuer=Acme") +
                             "\"], \"backupCodes\":[\"" + digest_a + "\"]}\r\n");
    EXPECT_EQ(line.subject, "u-1");
    EXPECT_EQ(line.email.value(), "ada@example.org");
    EXPECT_EQ(line.name, "Ada Lövelace");
    EXPECT_EQ(line.locale, "pt-BR");
    ASSERT_EQ(line.totp.size(), 1U);
    EXPECT_EQ(line.totp.front().issuer, "Acme");
    EXPECT_EQ(line.totp.front().account_name, "ada");
    EXPECT_EQ(text_of(line.totp.front().secret.reveal()), key20);
    EXPECT_EQ(line.backup_code_digests, std::vector{digest_a});
}

TEST(ImportLine, WithSubjectAndEmailOnly_IsNamedAfterTheSubject) {
    const auto line = parsed(line_with(""));
    EXPECT_EQ(line.name, "user-1");
    EXPECT_EQ(line.locale, "");
    EXPECT_TRUE(line.totp.empty());
    EXPECT_TRUE(line.backup_code_digests.empty());
    expect_same(parsed(line_with(R"(,"totp":[],"backupCodes":[])")), line);

    // A subject may be longer than a display name.
    const std::string subject(128, 's');
    const auto long_one = parsed(R"({"subject":")" + subject + R"(","email":"a@b.org"})");
    EXPECT_EQ(long_one.subject, subject);
    EXPECT_EQ(long_one.name, std::string(100, 's'));
    expect_same(parsed(to_json(long_one)), long_one);
}

TEST(ImportLine, EveryParameterOfTheKeyUri_IsTaken) {
    struct row {
        std::string parameters;
        totp_parameters expected;
    };
    const std::vector<row> rows = {
        {"", {}},
        {"&algorithm=SHA1&digits=6&period=30", {}},
        {"&algorithm=sha256", {.algorithm = hash_algorithm::sha256}},
        {"&algorithm=SHA512&digits=8", {.algorithm = hash_algorithm::sha512, .digits = 8}},
        {"&digits=7&period=1", {.digits = 7, .period_s = 1}},
        {"&period=300&issuer=Acme&image=https%3A%2F%2Fx.org%2Fl.png", {.period_s = 300}},
    };
    for (const auto& row : rows) {
        const auto line = parsed(line_with_totp({uri("Acme:ada", key20_base32, row.parameters)}));
        ASSERT_EQ(line.totp.size(), 1U);
        EXPECT_EQ(line.totp.front().parameters, row.expected) << row.parameters;
        expect_same(parsed(to_json(line)), line);
    }
}

TEST(ImportLine, SeveralDevices_KeepTheirOrderAndNames) {
    const auto line = parsed(line_with_totp(
        {uri("Acme:phone", "GEZDGNBVGY3TQOJQ"), uri("tablet", "gezdgnbvgy3tqojr", "&digits=8"),
         uri("Acme%20Inc:", "GEZDGNBVGY3TQOJS"), uri("", "GEZDGNBVGY3TQOJT")}));
    std::vector<std::string> labels;
    for (const auto& device : line.totp)
        labels.push_back(device_label(device));
    EXPECT_EQ(labels, (std::vector<std::string>{"Acme (phone)", "tablet", "Acme Inc", ""}));
    expect_same(parsed(to_json(line)), line);
}

TEST(ImportLine, LabelsInTheWild_ReadBackAsTheyWereRead) {
    // Where a label has spaces and colons, writing it again must not move the border.
    const std::vector<std::pair<std::string, std::string>> rows = {
        {uri("%20ada", key20_base32), "|ada"},
        {uri("%20ada", key20_base32, "&issuer=I"), "I|ada"},
        {uri(":ada@x.org", key20_base32), "|ada@x.org"},
        {uri("I:I:ada", key20_base32, "&issuer=I"), "I|I:ada"},
        {uri("I::ada", key20_base32, "&issuer=I"), "I|:ada"},
        {uri("a:b:ada", key20_base32, "&issuer=a%3Ab"), "a:b|ada"},
        {uri("%20I:%20%20ada%20", key20_base32, "&issuer=+I"), " I|ada "},
        {uri("日本:ada", key20_base32), "日本|ada"},
    };
    for (const auto& [text, expected] : rows) {
        const auto line = parsed(line_with_totp({text}));
        ASSERT_EQ(line.totp.size(), 1U);
        EXPECT_EQ(line.totp.front().issuer + '|' + line.totp.front().account_name, expected)
            << text;
        expect_same(parsed(to_json(line)), line);
    }
    // Without an issuer a second colon cannot be kept apart from the one behind an issuer.
    EXPECT_EQ(error_of(line_with_totp({uri("::ada", key20_base32)})), "invalid_totp");
}

TEST(ImportLine, LongNamesOfADevice_AreCutBetweenCharacters) {
    const auto line = parsed(line_with_totp({uri(
        std::string(99, 'a') + "%C3%B6%C3%B6", key20_base32, "&issuer=" + std::string(300, 'i'))}));
    EXPECT_EQ(line.totp.front().account_name, std::string(99, 'a'));
    EXPECT_EQ(line.totp.front().issuer, std::string(100, 'i'));
    expect_same(parsed(to_json(line)), line);
}

TEST(ImportLine, TheLargestLine_ReadsBackWithinTheLimit) {
    std::vector<std::string> uris, codes;
    std::string names;
    for (int i = 0; i < 33; ++i)
        names += "%E6%97%A5"; // 99 bytes, which a URI writes as 297
    for (std::size_t i = 0; i < totp_devices_max; ++i) {
        const std::string secret = "AAAA" + std::string(200, static_cast<char>('A' + i)) + "A";
        uris.push_back(
            uri(names, secret, "&issuer=" + names + "&algorithm=SHA512&digits=8&period=300"));
    }
    for (std::size_t i = 0; i < imported_backup_codes_max; ++i)
        codes.push_back(std::string(62, '0') + std::to_string(10 + i));
    const std::string line =
        R"({"subject":")" + std::string(128, 's') + R"(","email":")" + std::string(64, 'a') + "@" +
        std::string(60, 'b') + "." + std::string(60, 'b') + "." + std::string(60, 'b') +
        R"(.org","name":")" + std::string(100, 'n') + R"(","locale":"de-CH-1996","totp":)" +
        quoted(uris) + R"(,"backupCodes":)" + quoted(codes) + "}";
    const auto read = parsed(line);
    const std::string written = to_json(read);
    EXPECT_LE(written.size(), import_line_size_max);
    EXPECT_EQ(written.find('\n'), std::string::npos);
    expect_same(parsed(written), read);
}

TEST(ImportLine, ALineOverTheLimit_IsRefusedAndOneAtItIsNot) {
    const std::string line = line_with("");
    EXPECT_EQ(parsed(line + std::string(import_line_size_max - line.size(), ' ')).subject,
              "user-1");
    EXPECT_EQ(error_of(line + std::string(import_line_size_max + 1 - line.size(), ' ')),
              "line_too_long");
}

TEST(ImportLine, WhatIsNoJsonObject_IsMalformed) {
    for (const std::string text :
         {"", " ", "null", "[]", "\"subject\"", "{", "}", "{\"subject\":}", "\xef\xbb\xbf{}",
          "{}{}", "{} x", "{'subject':'a'}", "{\"subject\":\"\xff\"}", "{\"subject\":\"\xc0\xaf\"}",
          "{\"subject\":\"\\ud800\"}", "{\"a\":1,}", "{\"a\":NaN}", "{/**/}"})
        EXPECT_EQ(error_of(text), "malformed_json") << text;
    EXPECT_EQ(error_of(std::string("{\"subject\":\"a\0b\"}", 17)), "malformed_json");
    // Deep nesting costs a counter, not the stack.
    EXPECT_EQ(error_of("{\"totp\":" + std::string(8000, '[') + std::string(8000, ']') + "}"),
              "malformed_json");
}

TEST(ImportLine, AMemberTwice_IsMalformed) {
    // Readers disagree on which one counts.
    EXPECT_EQ(error_of(line_with(R"(,"subject":"other")")), "malformed_json");
    EXPECT_EQ(error_of(line_with(R"(,"\u0065mail":"eve@example.org")")), "malformed_json");
    // Commas in texts and lists are no members.
    EXPECT_EQ(parsed(line_with(R"(,"name":"a, \"b\", {c\\")")).name, "a, \"b\", {c\\");
}

TEST(ImportLine, UnknownMembers_AreRefused) {
    EXPECT_EQ(error_of(line_with(R"(,"phone":"1")")), "unknown_member");
    EXPECT_EQ(error_of(line_with(R"(,"Subject":"a")")), "unknown_member");
    EXPECT_EQ(error_of(line_with(R"(,"":null)")), "unknown_member");
    EXPECT_EQ(error_of(R"({"password":"x"})"), "unknown_member");
}

TEST(ImportLine, Subjects_ArePrintableAsciiForAPath) {
    for (const std::string good :
         {"a", "4f2c1a", "Jane Doe", "jane@example.org", "a.b", "...", "~!%"})
        EXPECT_TRUE(is_valid_subject(good)) << good;
    for (const std::string bad : {"", ".", "..", "a/b", " a", "a ", "ä", "a\tb", "a\x7f"})
        EXPECT_FALSE(is_valid_subject(bad)) << bad;
    EXPECT_TRUE(is_valid_subject(std::string(128, 'a')));
    EXPECT_FALSE(is_valid_subject(std::string(129, 'a')));
    EXPECT_FALSE(is_valid_subject(std::string_view("a\0b", 3)));

    for (const std::string subject : {R"("")", R"("a\/b")", R"("a\u0000")", "1", "null", "[\"a\"]"})
        EXPECT_EQ(error_of(R"({"email":"a@b.org","subject":)" + subject + "}"), "invalid_subject");
    // What is written like an account's id would be taken for that account.
    const std::string id(32, 'a');
    EXPECT_EQ(error_of(R"({"email":"a@b.org","subject":"user_)" + id + "\"}"), "invalid_subject");
    EXPECT_EQ(parsed(R"({"email":"a@b.org","subject":"user_)" + id + "b\"}").subject.size(), 38U);
    EXPECT_EQ(error_of(R"({"email":"a@b.org"})"), "invalid_subject");
    EXPECT_EQ(error_of("{}"), "invalid_subject");
}

TEST(ImportLine, EmailNameAndLocale_AreCheckedAsEverywhere) {
    for (const std::string email : {R"("")", R"("ada")", R"("a@b@c.org")", R"("a@b.org\r\nBcc: x")",
                                    "null", "7", R"(["a@b.org"])"})
        EXPECT_EQ(error_of(R"({"subject":"a","email":)" + email + "}"), "invalid_email") << email;
    EXPECT_EQ(error_of(R"({"subject":"a"})"), "invalid_email");

    for (const std::string& name :
         {std::string(R"("")"), std::string("null"), std::string("1"), std::string(R"("a\nb")"),
          std::string(R"("\u202eevil")"), "\"" + std::string(101, 'a') + "\""})
        EXPECT_EQ(error_of(line_with(R"(,"name":)" + name)), "invalid_name") << name;

    for (const std::string locale : {R"("")", "null", "1", R"("german")", R"("de-")", R"("../en")"})
        EXPECT_EQ(error_of(line_with(R"(,"locale":)" + locale)), "invalid_locale") << locale;
}

TEST(ImportLine, TotpThatIsNoListOfGoodUris_IsRefused) {
    for (const std::string totp : {"null", "{}", R"("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ")",
                                   "[1]", "[null]", R"([""])", R"([["otpauth://totp/a"]])"})
        EXPECT_EQ(error_of(line_with(R"(,"totp":)" + totp)), "invalid_totp") << totp;
    for (const std::string& bad :
         {std::string("otpauth://hotp/ada?secret=GEZDGNBVGY3TQOJQ&counter=1"),
          std::string("https://totp/ada?secret=GEZDGNBVGY3TQOJQ"), uri("ada", ""),
          uri("ada", "GEZDGNBVGY3TQOI"), uri("ada", "10189"), uri("ada", std::string(208, 'A')),
          uri("ada", key20_base32, "&digits=5"), uri("ada", key20_base32, "&digits=9"),
          uri("ada", key20_base32, "&period=0"), uri("ada", key20_base32, "&period=301"),
          uri("ada", key20_base32, "&algorithm=MD5"), uri("ada", key20_base32, "&secret=AAAA"),
          uri("ada%0a", key20_base32), uri("%E2%80%AEada", key20_base32),
          uri("ada", key20_base32, "&issuer=%C2%85"), uri(":ada:x:y", key20_base32)})
        EXPECT_EQ(error_of(line_with_totp({bad})), "invalid_totp") << bad;
    // One bad device among good ones refuses the line.
    EXPECT_EQ(error_of(line_with_totp({uri("ada", key20_base32), "otpauth://totp/"})),
              "invalid_totp");
}

TEST(ImportLine, DevicesOverTheLimit_AreRefused) {
    std::vector<std::string> uris;
    for (std::size_t i = 0; i < totp_devices_max; ++i)
        uris.push_back(uri("ada", "GEZDGNBVGY3TQOJ" + std::string(1, static_cast<char>('A' + i))));
    EXPECT_EQ(parsed(line_with_totp(uris)).totp.size(), totp_devices_max);
    uris.push_back(uri("ada", "GEZDGNBVGY3TQOJZ"));
    EXPECT_EQ(error_of(line_with_totp(uris)), "invalid_totp");
}

TEST(ImportLine, OneSecretInTwoDevices_IsADuplicate) {
    // Whatever the names and the parameters: a code used with one would be fresh with the other.
    EXPECT_EQ(error_of(line_with_totp({uri("phone", key20_base32), uri("tablet", key20_base32)})),
              "duplicate_totp");
    EXPECT_EQ(
        error_of(line_with_totp({uri("phone", "GEZDGNBVGY3TQOJQ"), uri("other", "KRUGS4ZANFZSAYJA"),
                                 uri("phone", "gezdgnbvgy3tqojq", "&period=60")})),
        "duplicate_totp");
}

TEST(ImportLine, BackupCodes_AreDigestsInEitherSpelling) {
    std::string upper = digest_b;
    for (char& c : upper)
        c = c == 'b' ? 'B' : c;
    const auto line = parsed(line_with_codes({"sha256:" + digest_a, upper}));
    EXPECT_EQ(line.backup_code_digests, (std::vector{digest_a, digest_b}));
    expect_same(parsed(to_json(line)), line);
}

TEST(ImportLine, BackupCodesThatAreNone_AreRefused) {
    const auto with_codes = [](const std::string& json) {
        return line_with_totp({uri("ada", key20_base32)}, R"(,"backupCodes":)" + json);
    };
    for (const std::string& codes : {std::string("null"), std::string("{}"), '"' + digest_a + '"',
                                     std::string("[1]"), std::string("[null]")})
        EXPECT_EQ(error_of(with_codes(codes)), "invalid_backup_code") << codes;
    for (const std::string& bad :
         {std::string(), std::string("sha256:"), digest_a.substr(1), digest_a + "0",
          "sha512:" + digest_a, "sha256:sha256:" + digest_a.substr(7), std::string(63, 'a') + "g",
          std::string("K7QX-93HD"), " " + digest_a.substr(1)})
        EXPECT_EQ(error_of(line_with_codes({digest_b, bad})), "invalid_backup_code") << bad;
    EXPECT_EQ(error_of(line_with_codes({digest_a, digest_b, "sha256:" + digest_a})),
              "invalid_backup_code");
    EXPECT_EQ(error_of(line_with(R"(,"backupCodes":[")" + digest_a + "\"]")),
              "invalid_backup_code");

    std::vector<std::string> codes;
    for (std::size_t i = 0; i < imported_backup_codes_max; ++i)
        codes.push_back(std::string(62, '0') + std::to_string(10 + i));
    EXPECT_EQ(parsed(line_with_codes(codes)).backup_code_digests, codes);
    codes.push_back(digest_a);
    EXPECT_EQ(error_of(line_with_codes(codes)), "invalid_backup_code");
}

TEST(ImportLine, EveryError_HasANameAndASentenceOfItsOwn) {
    std::set<std::string_view> names, sentences;
    constexpr auto last = static_cast<int>(import_line_error::invalid_backup_code);
    for (int i = 0; i <= last; ++i) {
        names.insert(to_string(static_cast<import_line_error>(i)));
        sentences.insert(describe(static_cast<import_line_error>(i)));
    }
    EXPECT_EQ(names.size(), last + 1U);
    EXPECT_EQ(sentences.size(), last + 1U);
    EXPECT_FALSE(names.contains(""));
    EXPECT_FALSE(sentences.contains(""));
}

// Lines with bytes changed, removed and doubled: none crashes, and what is read reads back.
TEST(ImportLine, MutilatedLines_AreRefusedOrReadBack) {
    const char* const given = std::getenv("COUNTERSIGN_TEST_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    SCOPED_TRACE("COUNTERSIGN_TEST_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::string whole = line_with_totp(
        {uri("A%20c:ada", key20_base32, "&issuer=A+c"), uri("x", "GEZDGNBVGY3TQOJQ", "&digits=8")},
        R"(,"name":"Ada","locale":"de","backupCodes":[")" + digest_a + "\"]");
    int read = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string line = whole;
        for (auto changes = 1 + random() % 3; changes > 0; --changes) {
            const auto at = random() % line.size();
            switch (random() % 4) {
            case 0:
                line[at] = static_cast<char>(random());
                break;
            case 1:
                line[at] = "\"\\{}[],:%&=?/ "[random() % 14];
                break;
            case 2:
                line.erase(at, 1 + random() % 4);
                break;
            case 3:
                line.insert(at, line.substr(random() % line.size(), random() % 20));
                break;
            }
        }
        const auto result = parse_import_line(line);
        if (!result) continue;
        ++read;
        expect_same(parsed(to_json(*result)), *result);
        ASSERT_FALSE(HasFailure()) << line;
    }
    EXPECT_GT(read, 500);
}

TEST(ImportLine, ASecretShorterThanPolicyAllows_IsRefused) {
    const std::string ten_bytes = "GEZDGNBVGY3TQOJQ";
    policy rules;
    EXPECT_EQ(verdict_of(rules, {uri("ada", ten_bytes)}), "");
    rules.import_secret_bits_min = 81;
    EXPECT_EQ(verdict_of(rules, {uri("ada", ten_bytes)}), "secret_too_short");
    rules.import_secret_bits_min = 160;
    EXPECT_EQ(verdict_of(rules, {uri("ada", key20_base32)}), "");
    EXPECT_EQ(verdict_of(rules, {uri("ada", key20_base32), uri("bob", ten_bytes)}),
              "secret_too_short");
}

TEST(ImportLine, APeriodLongerThanPolicyAllows_IsRefused) {
    policy rules;
    EXPECT_EQ(verdict_of(rules, {uri("ada", key20_base32, "&period=300")}), "");
    rules.import_period_max = seconds(60);
    EXPECT_EQ(verdict_of(rules, {uri("ada", key20_base32, "&period=60")}), "");
    EXPECT_EQ(verdict_of(rules, {uri("ada", key20_base32, "&period=61")}), "period_too_long");
}

TEST(ImportLine, AHundredThousandLines_AreReadInSeconds) {
    const std::string line = line_with_totp({uri("Acme:ada", key20_base32, "&issuer=Acme")},
                                            R"(,"name":"Ada","locale":"de")");
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 100'000; ++i)
        ASSERT_TRUE(parse_import_line(line).has_value());
    const auto taken = std::chrono::steady_clock::now() - begin;
    RecordProperty("milliseconds",
                   static_cast<int>(std::chrono::duration_cast<milliseconds>(taken).count()));
    EXPECT_LT(taken, std::chrono::seconds(20)); // under the sanitizers too
}

} // namespace
} // namespace countersign::core
