#include "app/import_otpauth.hpp"

#include "core/otpauth.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace countersign::app {

namespace {

constexpr std::string_view end_of_authelia_list = "Successfully exported ";

std::string sentence_about(core::otpauth_error error) {
    switch (error) {
    case core::otpauth_error::malformed:
        return "it is no otpauth:// URI, or one that can be read in two ways";
    case core::otpauth_error::unsupported_type:
        return "only otpauth://totp/ is taken";
    case core::otpauth_error::missing_secret:
        return "its secret is missing";
    case core::otpauth_error::invalid_secret:
        return "its secret is not base32, or longer than 128 bytes";
    case core::otpauth_error::secret_too_short:
        return "its secret is shorter than 10 bytes";
    case core::otpauth_error::unsupported_algorithm:
        return "its algorithm is not SHA1, SHA256 or SHA512";
    case core::otpauth_error::unsupported_digits:
        return "its codes do not have 6 to 8 digits";
    case core::otpauth_error::unsupported_period:
        return "its period is not 1 to 300 seconds";
    }
    return {};
}

bool begins_with(std::string_view text, std::string_view lower_case) {
    return core::to_lower_ascii(text.substr(0, lower_case.size())) == lower_case;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view spaces = " \t";
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
    return text.substr(0, text.find_last_not_of(spaces) + 1);
}

class otpauth_reader final : public import_reader {
public:
    otpauth_reader(line_reader in, import_options options)
        : in_(std::move(in)), options_(std::move(options)) {}

    fallible<std::optional<import_record>> next() override {
        for (;;) {
            const auto read = in_.next();
            if (!read) return read.error();
            const auto& line = *read;
            if (!line) return close();
            if (auto record = take(*line)) return record;
        }
    }

    std::uint64_t bytes_done() const override { return in_.bytes_done(); }

private:
    struct device {
        std::uint64_t number; // of its line
        core::otpauth uri;
    };

    // A record if the line makes one: its own rejection, or the user before it.
    std::optional<import_record> take(const line_reader::line& line) {
        const auto text = trimmed(line.text);
        if (line.too_long)
            return rejected_record(line.number, {}, "the line has more than 16384 bytes");
        if (text.empty() || text.starts_with('#') || text.starts_with(end_of_authelia_list))
            return std::nullopt;
        if (begins_with(text, "otpauth://hotp/"))
            return skipped_record(line.number, {},
                                  "counter-based codes (HOTP) are not carried over");
        if (begins_with(text, "otpauth-migration:"))
            return rejected_record(line.number, {},
                                   "this is what Google Authenticator hands to another phone: a "
                                   "list of otpauth:// URIs is needed");
        auto uri = core::parse_otpauth_uri(text);
        if (!uri) return rejected_record(line.number, {}, sentence_about(uri.error()));
        if (uri->account_name.empty())
            return rejected_record(line.number, {}, "its label names no account");
        return add({.number = line.number, .uri = *std::move(uri)});
    }

    std::optional<import_record> add(device one) {
        const std::string subject = one.uri.account_name;
        if (open_.empty() || open_.front().uri.account_name != subject) {
            auto before = close();
            open_.push_back(std::move(one));
            return before;
        }
        const auto same = std::ranges::find_if(
            open_, [&](const device& other) { return other.uri.secret == one.uri.secret; });
        if (same != open_.end())
            return rejected_record(one.number, subject,
                                   "its secret is already in line " + std::to_string(same->number));
        if (open_.size() == core::totp_devices_max)
            return rejected_record(one.number, subject,
                                   "a subject has at most " +
                                       std::to_string(core::totp_devices_max) + " TOTP devices");
        open_.push_back(std::move(one));
        return std::nullopt;
    }

    std::optional<import_record> close() {
        if (open_.empty()) return std::nullopt;
        const std::string name = open_.front().uri.account_name;
        imported_user user{.subject = name,
                           .username = name,
                           .email = {},
                           .name = {},
                           .locale = {},
                           .devices = {}};
        for (auto& one : open_)
            user.devices.push_back(std::move(one.uri));
        const auto number = open_.front().number;
        open_.clear();
        return record_of(number, std::move(user), options_);
    }

    line_reader in_;
    import_options options_;
    std::vector<device> open_; // of one subject, at most totp_devices_max
};

} // namespace

std::unique_ptr<import_reader> read_otpauth_list(line_reader in, import_options options) {
    return std::make_unique<otpauth_reader>(std::move(in), std::move(options));
}

} // namespace countersign::app
