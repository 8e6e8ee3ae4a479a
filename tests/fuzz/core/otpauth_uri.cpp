// otpauth:// URIs: what is read is within its bounds, and written again it says the same.
#include "core/otpauth.hpp"
#include "core/text.hpp"
#include "tests/fuzz/target.hpp"

namespace countersign::fuzz {
namespace {

constexpr std::size_t uri_size_max = 4096; // bytes that a reader takes

void otpauth_uri(std::string_view input) {
    const auto read = core::parse_otpauth_uri(input);
    if (read.has_error()) return;
    const auto& with = read->parameters;
    require(with.digits >= core::totp_digits_min && with.digits <= core::totp_digits_max,
            "the digits are in their range");
    require(with.period_s >= 1 && with.period_s <= core::totp_period_max_s,
            "the period is in its range");
    require(read->secret.reveal().size() >= 10 && read->secret.reveal().size() <= 128,
            "the secret has 10 to 128 bytes");
    require(core::is_valid_utf8(read->issuer) && core::is_valid_utf8(read->account_name),
            "the names are text");
    (void)core::totp_code(read->secret.reveal(), with, {.value = 1});

    const auto uri = core::make_otpauth_uri({.issuer = read->issuer,
                                             .account_name = read->account_name,
                                             .secret = read->secret.reveal(),
                                             .parameters = with});
    if (uri.size() > uri_size_max) return; // of an encoded issuer, which stands in it twice
    const auto again = core::parse_otpauth_uri(uri);
    require(again.has_value(), "what is written can be read");
    require(again->issuer == read->issuer && again->account_name == read->account_name,
            "the names read back as they were");
    require(again->secret == read->secret && again->parameters == with,
            "secret and parameters read back as they were");
}

const registration here("otpauth_uri", otpauth_uri);

} // namespace
} // namespace countersign::fuzz
