#include "core/otpauth.hpp"

#include "core/crypto/encoding.hpp"

#include <gtest/gtest.h>

namespace countersign::core {
namespace {

constexpr std::string_view key20 = "12345678901234567890";
constexpr std::string_view key20_base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

std::string uri_with(std::string_view rest) {
    return "otpauth://totp/Acme:alice?secret=" + std::string(key20_base32) + std::string(rest);
}

otpauth_error error_of(std::string_view uri) {
    const auto parsed = parse_otpauth_uri(uri);
    EXPECT_FALSE(parsed.has_value()) << uri;
    return parsed.error();
}

TEST(Otpauth, DefaultParameters_AreLeftOut) {
    EXPECT_EQ(make_otpauth_uri({.issuer = "SlugBase",
                                .account_name = "alice@example.com",
                                .secret = bytes_of(key20),
                                .parameters = {}}),
              "otpauth://totp/SlugBase:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
              "&issuer=SlugBase");
}

TEST(Otpauth, OtherParameters_AreWritten) {
    EXPECT_EQ(
        make_otpauth_uri(
            {.issuer = "",
             .account_name = "alice",
             .secret = bytes_of(key20),
             .parameters = {.algorithm = hash_algorithm::sha256, .digits = 8, .period_s = 60}}),
        "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&algorithm=SHA256&digits=8&period=60");
}

TEST(Otpauth, WhateverIsWritten_ReadsBack) {
    for (const std::string_view issuer :
         {"", "Acme", "Acme & Söhne: 100 %", "a+b/c?d#e=f", "日本"}) {
        for (const auto algorithm :
             {hash_algorithm::sha1, hash_algorithm::sha256, hash_algorithm::sha512}) {
            const totp_parameters parameters{.algorithm = algorithm, .digits = 7, .period_s = 45};
            const std::string uri = make_otpauth_uri({.issuer = issuer,
                                                      .account_name = "alice+tag@example.com",
                                                      .secret = bytes_of(key20),
                                                      .parameters = parameters});
            const auto parsed = parse_otpauth_uri(uri);
            ASSERT_TRUE(parsed.has_value()) << uri;
            EXPECT_EQ(parsed->issuer, issuer);
            EXPECT_EQ(parsed->account_name, "alice+tag@example.com");
            EXPECT_EQ(text_of(parsed->secret.reveal()), key20);
            EXPECT_EQ(parsed->parameters, parameters);
        }
    }
}

TEST(Otpauth, LabelsInTheWild_AreRead) {
    const auto names = [](std::string_view label, std::string_view rest = "") {
        const auto parsed = parse_otpauth_uri("otpauth://totp/" + std::string(label) + "?secret=" +
                                              std::string(key20_base32) + std::string(rest));
        return parsed ? parsed->issuer + '|' + parsed->account_name : "(refused)";
    };
    EXPECT_EQ(names("alice"), "|alice");
    EXPECT_EQ(names(""), "|");
    EXPECT_EQ(names("Acme:alice"), "Acme|alice");
    EXPECT_EQ(names("Acme%3Aalice"), "Acme|alice");
    EXPECT_EQ(names("Acme%20Inc:%20alice@x.org"), "Acme Inc|alice@x.org");
    EXPECT_EQ(names("Acme:%20"), "Acme|");
    EXPECT_EQ(names("alice", "&issuer=Acme+Inc"), "Acme Inc|alice");
    EXPECT_EQ(names("Old:alice", "&issuer=New"), "New|alice");
    EXPECT_EQ(names("a+b:alice"), "a+b|alice");
}

TEST(Otpauth, NamesWithColonsAndSpacesInFront_ReadBackAsTheyWereRead) {
    for (const auto* label : {"%3AAcme:ada", "Acme%3Ax%3Ay", ":x:y", "%20ada", "%20%20Acme:%20ada"})
        for (const auto* issuer : {"", "&issuer=Acme"}) {
            const auto read = parse_otpauth_uri("otpauth://totp/" + std::string(label) +
                                                "?secret=" + std::string(key20_base32) + issuer);
            ASSERT_TRUE(read.has_value()) << label;
            const auto again =
                parse_otpauth_uri(make_otpauth_uri({.issuer = read->issuer,
                                                    .account_name = read->account_name,
                                                    .secret = read->secret.reveal(),
                                                    .parameters = {}}));
            ASSERT_TRUE(again.has_value()) << label;
            EXPECT_EQ(again->issuer, read->issuer) << label;
            EXPECT_EQ(again->account_name, read->account_name) << label;
        }
}

TEST(Otpauth, SchemeTypeAndAlgorithm_IgnoreCase) {
    const auto parsed =
        parse_otpauth_uri("OTPAUTH://TOTP/alice?secret=gezdgnbvgy3tqojq&algorithm=sha512");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->parameters.algorithm, hash_algorithm::sha512);
    EXPECT_EQ(parsed->secret.reveal().size(), 10U);
}

TEST(Otpauth, UnknownParametersAndPadding_AreTolerated) {
    const auto parsed = parse_otpauth_uri(
        "otpauth://totp/"
        "alice?image=https%3A%2F%2Fx%2Fy.png&&flag&secret=MZXW6YTBOJTG633CMFZA%3D%3D%3D%3D");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(text_of(parsed->secret.reveal()), "foobarfoobar");
}

TEST(Otpauth, WhatIsNotSupported_IsNamed) {
    EXPECT_EQ(error_of(""), otpauth_error::malformed);
    EXPECT_EQ(error_of("https://totp/alice?secret=GEZDGNBVGY3TQOJQ"), otpauth_error::malformed);
    EXPECT_EQ(error_of("otpauth://hotp/alice?secret=GEZDGNBVGY3TQOJQ&counter=1"),
              otpauth_error::unsupported_type);
    EXPECT_EQ(error_of("otpauth://totp?secret=GEZDGNBVGY3TQOJQ"), otpauth_error::malformed);
    EXPECT_EQ(error_of("otpauth://totp/alice"), otpauth_error::missing_secret);
    EXPECT_EQ(error_of("otpauth://totp/alice?secret="), otpauth_error::missing_secret);
    EXPECT_EQ(error_of("otpauth://totp/alice?secret"), otpauth_error::missing_secret);
    EXPECT_EQ(error_of("otpauth://totp/alice?secret=10189"), otpauth_error::invalid_secret);
    EXPECT_EQ(error_of("otpauth://totp/alice?secret=" + std::string(208, 'A')),
              otpauth_error::invalid_secret);
    EXPECT_EQ(error_of("otpauth://totp/alice?secret=GEZDGNBVGY3TQOI"), // 9 bytes
              otpauth_error::secret_too_short);
    EXPECT_EQ(error_of(uri_with("&algorithm=MD5")), otpauth_error::unsupported_algorithm);
    EXPECT_EQ(error_of(uri_with("&algorithm=")), otpauth_error::unsupported_algorithm);
    for (const std::string_view digits : {"5", "9", "", "six", "6x", "-6", " 6"}) {
        EXPECT_EQ(error_of(uri_with("&digits=" + std::string(digits))),
                  otpauth_error::unsupported_digits);
    }
    for (const std::string_view period : {"0", "-30", "301", "", "30s", "99999999999"}) {
        EXPECT_EQ(error_of(uri_with("&period=" + std::string(period))),
                  otpauth_error::unsupported_period);
    }
}

TEST(Otpauth, AmbiguousOrUnpresentableText_IsMalformed) {
    EXPECT_EQ(error_of(uri_with("&secret=GEZDGNBVGY3TQOJQ")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("&issuer=%")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("&issuer=%4")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("&issuer=%zz")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("&issuer=%-1")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("&issuer=%0d%0aBcc:x")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("&issuer=%ff")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("#fragment")), otpauth_error::malformed);
    EXPECT_EQ(error_of(uri_with("&x=" + std::string(5000, 'x'))), otpauth_error::malformed);
}

} // namespace
} // namespace countersign::core
