#include "core/otpauth.hpp"

#include "core/crypto/encoding.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace countersign::core {
namespace {

constexpr std::size_t uri_size_max_bytes = 4096;
constexpr std::size_t secret_size_min_bytes = 10; // 80 bit: what old systems handed out
constexpr std::size_t secret_size_max_bytes = 128;
constexpr std::string_view scheme = "otpauth://";

// RFC 3986 section 2.3: everything but unreserved characters is encoded.
std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                                c == '~';
        if (unreserved) {
            encoded.push_back(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded.append({'%', digits[byte >> 4U], digits[byte & 0x0fU]});
        }
    }
    return encoded;
}

enum class plus_sign { literal, space };

std::optional<std::string> percent_decode(std::string_view text, plus_sign plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            unsigned byte = 0;
            const std::string_view digits = text.substr(i + 1, 2);
            const char* const end = digits.data() + digits.size();
            const auto parsed = std::from_chars(digits.data(), end, byte, 16);
            if (digits.size() != 2 || parsed.ec != std::errc{} || parsed.ptr != end) {
                return std::nullopt;
            }
            decoded.push_back(static_cast<char>(byte));
            i += 2;
        } else {
            decoded.push_back(text[i] == '+' && plus == plus_sign::space ? ' ' : text[i]);
        }
    }
    return decoded;
}

// Text that may be stored and shown: UTF-8 without control characters.
bool is_presentable(std::string_view text) {
    return is_valid_utf8(text) && std::ranges::none_of(text, [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
           });
}

std::string_view algorithm_name(hash_algorithm algorithm) {
    switch (algorithm) {
    case hash_algorithm::sha1:
        return "SHA1";
    case hash_algorithm::sha256:
        return "SHA256";
    case hash_algorithm::sha512:
        return "SHA512";
    }
    throw std::logic_error("not a hash_algorithm");
}

std::optional<hash_algorithm> algorithm_from(std::string_view name) {
    for (const auto algorithm :
         {hash_algorithm::sha1, hash_algorithm::sha256, hash_algorithm::sha512}) {
        if (to_lower_ascii(name) == to_lower_ascii(algorithm_name(algorithm))) {
            return algorithm;
        }
    }
    return std::nullopt;
}

std::optional<int> number_between(std::string_view text, int least, int greatest) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end || number < least || number > greatest) {
        return std::nullopt;
    }
    return number;
}

struct query_parameter {
    std::string_view name;
    std::string value;
};

// Nullopt if one is not well-formed or comes twice: then readers could disagree on which one
// counts.
std::optional<std::vector<query_parameter>> parse_query(std::string_view query) {
    std::vector<query_parameter> parameters;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.empty()) {
            continue;
        }
        const std::size_t equals = pair.find('=');
        const std::string_view name = pair.substr(0, equals);
        auto value = equals == std::string_view::npos
                         ? std::string()
                         : percent_decode(pair.substr(equals + 1), plus_sign::space);
        const bool repeated =
            std::ranges::find(parameters, name, &query_parameter::name) != parameters.end();
        if (!value || repeated) {
            return std::nullopt;
        }
        parameters.push_back({.name = name, .value = *std::move(value)});
    }
    return parameters;
}

// The rest of the label after its issuer; the issuer is written to `found` if there is one.
std::string_view without_issuer(std::string_view label, std::string_view expected_issuer,
                                std::string_view& found) {
    std::size_t colon = label.find(':');
    if (!expected_issuer.empty() && label.starts_with(expected_issuer) &&
        label.substr(expected_issuer.size()).starts_with(':')) {
        colon = expected_issuer.size(); // an issuer may itself contain a colon
    }
    if (colon != std::string_view::npos) {
        found = label.substr(0, colon);
        label.remove_prefix(colon + 1);
    }
    label.remove_prefix(std::min(label.find_first_not_of(' '), label.size()));
    return label;
}

// Reads `issuer` and the two parts of the label.
bool read_names(std::string_view label, std::string_view issuer_parameter, otpauth& out) {
    std::string_view issuer;
    const std::string_view account = without_issuer(label, issuer_parameter, issuer);
    out.account_name = account;
    out.issuer = issuer_parameter.empty() ? issuer : issuer_parameter;
    return is_presentable(out.account_name) && is_presentable(out.issuer);
}

std::optional<otpauth_error> read_secret(std::string_view text, otpauth& out) {
    if (text.empty()) {
        return otpauth_error::missing_secret;
    }
    auto secret = from_base32(text);
    if (!secret || secret->size() > secret_size_max_bytes) {
        return otpauth_error::invalid_secret;
    }
    if (secret->size() < secret_size_min_bytes) {
        return otpauth_error::secret_too_short;
    }
    out.secret = secret_bytes(*std::move(secret));
    return std::nullopt;
}

std::optional<otpauth_error> read_parameter(const query_parameter& parameter,
                                            totp_parameters& out) {
    if (parameter.name == "algorithm") {
        const auto algorithm = algorithm_from(parameter.value);
        if (!algorithm) {
            return otpauth_error::unsupported_algorithm;
        }
        out.algorithm = *algorithm;
    } else if (parameter.name == "digits") {
        const auto digits = number_between(parameter.value, totp_digits_min, totp_digits_max);
        if (!digits) {
            return otpauth_error::unsupported_digits;
        }
        out.digits = *digits;
    } else if (parameter.name == "period") {
        const auto period = number_between(parameter.value, 1, totp_period_max_s);
        if (!period) {
            return otpauth_error::unsupported_period;
        }
        out.period_s = *period;
    }
    return std::nullopt;
}

} // namespace

std::string make_otpauth_uri(const otpauth_fields& fields) {
    std::string uri = "otpauth://totp/";
    // Readers take what stands before the first colon for the issuer, also an encoded one.
    if (!fields.issuer.empty() || fields.account_name.find(':') != std::string_view::npos) {
        uri += percent_encode(fields.issuer) + ':';
    }
    uri += percent_encode(fields.account_name) + "?secret=" + to_base32(fields.secret);
    if (!fields.issuer.empty()) {
        uri += "&issuer=" + percent_encode(fields.issuer);
    }
    constexpr totp_parameters usual;
    if (fields.parameters.algorithm != usual.algorithm) {
        uri.append("&algorithm=").append(algorithm_name(fields.parameters.algorithm));
    }
    if (fields.parameters.digits != usual.digits) {
        uri += "&digits=" + std::to_string(fields.parameters.digits);
    }
    if (fields.parameters.period_s != usual.period_s) {
        uri += "&period=" + std::to_string(fields.parameters.period_s);
    }
    return uri;
}

boost::system::result<otpauth, otpauth_error> parse_otpauth_uri(std::string_view uri) {
    if (uri.size() > uri_size_max_bytes || uri.find('#') != std::string_view::npos ||
        to_lower_ascii(uri.substr(0, scheme.size())) != scheme) {
        return otpauth_error::malformed;
    }
    uri.remove_prefix(scheme.size());
    const std::string_view path = uri.substr(0, uri.find('?'));
    const std::string_view query = uri.substr(std::min(path.size() + 1, uri.size()));
    const std::size_t slash = path.find('/');
    if (to_lower_ascii(path.substr(0, slash)) != "totp") {
        return otpauth_error::unsupported_type;
    }
    const auto label = slash == std::string_view::npos
                           ? std::nullopt
                           : percent_decode(path.substr(slash + 1), plus_sign::literal);
    const auto parameters = parse_query(query);
    if (!label || !parameters) {
        return otpauth_error::malformed;
    }
    const auto value_of = [&](std::string_view name) -> std::string_view {
        const auto found = std::ranges::find(*parameters, name, &query_parameter::name);
        return found == parameters->end() ? std::string_view() : std::string_view(found->value);
    };
    otpauth result;
    if (!read_names(*label, value_of("issuer"), result)) {
        return otpauth_error::malformed;
    }
    if (const auto error = read_secret(value_of("secret"), result)) {
        return *error;
    }
    for (const query_parameter& parameter : *parameters) {
        if (const auto error = read_parameter(parameter, result.parameters)) {
            return *error;
        }
    }
    return result;
}

} // namespace countersign::core
