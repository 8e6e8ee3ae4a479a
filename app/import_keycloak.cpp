#include "app/import_keycloak.hpp"

#include "core/crypto/encoding.hpp"
#include "core/text.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace countersign::app {

namespace json = boost::json;

namespace {

constexpr std::size_t depth_max = 64; // of the export's values; 32 is the parser's usual

// The text of a member, or nothing.
std::string_view text_in(const json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    const auto* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string_view(*text) : std::string_view();
}

const json::array* array_in(const json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    return value != nullptr ? value->if_array() : nullptr;
}

int number_in(const json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    const auto* number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr && std::in_range<int>(*number) ? static_cast<int>(*number) : 0;
}

// A member whose text is again a JSON object.
std::optional<json::object> object_written_in(const json::object& from, std::string_view key) {
    boost::system::error_code error;
    auto parsed = json::parse(text_in(from, key), error);
    if (error || !parsed.is_object()) return std::nullopt;
    return std::move(parsed.get_object());
}

std::string first_of_attribute(const json::object& user, std::string_view key) {
    const auto* attributes = user.if_contains("attributes");
    if (attributes == nullptr || !attributes->is_object()) return {};
    const auto* values = array_in(attributes->get_object(), key);
    if (values == nullptr || values->empty() || !values->front().is_string())
        return std::string(text_in(attributes->get_object(), key));
    return std::string(std::string_view(values->front().get_string()));
}

std::optional<core::hash_algorithm> algorithm_of(std::string_view name) {
    if (name == "HmacSHA1") return core::hash_algorithm::sha1;
    if (name == "HmacSHA256") return core::hash_algorithm::sha256;
    if (name == "HmacSHA512") return core::hash_algorithm::sha512;
    return std::nullopt;
}

// Without an encoding the secret's bytes are the text's own.
std::optional<core::secret_bytes> secret_of(std::string_view value, std::string_view encoding) {
    if (encoding.empty()) {
        const auto bytes = core::bytes_of(value);
        return core::secret_bytes(std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
    if (core::to_lower_ascii(encoding) != "base32") return std::nullopt;
    auto bytes = core::from_base32(value);
    if (!bytes) return std::nullopt;
    return core::secret_bytes(*std::move(bytes));
}

std::string full_name(const json::object& user) {
    std::string name(text_in(user, "firstName"));
    const auto last = text_in(user, "lastName");
    if (!name.empty() && !last.empty()) name += ' ';
    return name.append(last);
}

// What a user's credentials came to.
struct credentials {
    std::vector<core::otpauth> devices;
    std::size_t counter_based = 0;
    bool has_recovery_codes = false;
    std::string fault; // why one of them cannot be read; or empty
};

// `issuer` and `label` are what the device will be called.
std::string read_device(const json::object& credential, const json::object& data,
                        core::otpauth& out) {
    const auto algorithm = algorithm_of(text_in(data, "algorithm"));
    if (!algorithm) return "its algorithm is not HmacSHA1, HmacSHA256 or HmacSHA512";
    const auto kept = object_written_in(credential, "secretData");
    if (!kept) return "the secretData of a credential is not a JSON object written as a text";
    auto secret = secret_of(text_in(*kept, "value"), text_in(data, "secretEncoding"));
    if (!secret) return "its secret is not in the encoding that secretEncoding names (BASE32)";
    out.secret = *std::move(secret);
    out.parameters = {.algorithm = *algorithm,
                      .digits = number_in(data, "digits"),
                      .period_s = number_in(data, "period")};
    return {};
}

// What `user` proves itself with; `realm` is what its devices are named after.
credentials read_credentials(const json::object& user, std::string_view realm) {
    credentials all;
    const auto* list = array_in(user, "credentials");
    if (list == nullptr) return all;
    for (const auto& element : *list) {
        const auto* credential = element.if_object();
        if (credential == nullptr) continue;
        const auto type = text_in(*credential, "type");
        if (type == "recovery-authn-codes") all.has_recovery_codes = true;
        if (type == "totp" || type == "hotp")
            all.fault = "its one-time password is kept as before Keycloak 8: export it with a "
                        "later version";
        if (type != "otp") continue;
        const auto data = object_written_in(*credential, "credentialData");
        if (data && text_in(*data, "subType") == "hotp") {
            ++all.counter_based;
        } else if (data && text_in(*data, "subType") == "totp") {
            core::otpauth device;
            device.issuer = realm;
            device.account_name = text_in(*credential, "userLabel");
            if (device.account_name.empty()) device.account_name = text_in(user, "username");
            const auto fault = read_device(*credential, *data, device);
            if (!fault.empty()) all.fault = fault;
            all.devices.push_back(std::move(device));
        } else {
            all.fault = "the credentialData of a credential names no subType totp or hotp";
        }
    }
    return all;
}

class keycloak_reader final : public import_reader {
public:
    struct entry {
        const json::value* user;
        std::string_view realm;
    };

    keycloak_reader(json::value document, std::uint64_t size, import_options options)
        : document_(std::move(document)), size_(size), options_(std::move(options)) {
        if (const auto* realms = document_.if_array()) {
            for (const auto& realm : *realms)
                add_realm(realm);
        } else {
            add_realm(document_);
        }
    }

    [[nodiscard]] bool has_users() const noexcept { return has_users_; }

    fallible<std::optional<import_record>> next() override {
        while (ready_.empty() && done_ < users_.size()) {
            const auto& [user, realm] = users_[done_++];
            convert(*user, realm);
        }
        if (ready_.empty()) return std::nullopt;
        auto record = std::move(ready_.front());
        ready_.pop_front();
        return record;
    }

    std::uint64_t bytes_done() const override {
        return users_.empty() ? size_ : size_ * done_ / users_.size();
    }
    std::uint64_t users_left_out() const override { return left_out_; }

private:
    void add_realm(const json::value& value) {
        const auto* realm = value.if_object();
        const auto* users = realm != nullptr ? array_in(*realm, "users") : nullptr;
        if (users == nullptr) return;
        has_users_ = true;
        auto name = text_in(*realm, "realm");
        if (name.empty()) name = "Keycloak";
        for (const auto& user : *users)
            users_.push_back({.user = &user, .realm = name});
    }

    void convert(const json::value& value, std::string_view realm) {
        const auto* user = value.if_object();
        if (user == nullptr) {
            ready_.push_back(rejected_record(done_, {}, "a user is an object"));
            return;
        }
        if (user->contains("serviceAccountClientId") || user->contains("serviceAccountClientLink"))
            return;
        auto found = read_credentials(*user, realm);
        const std::string username(text_in(*user, "username"));
        if (!found.fault.empty()) {
            ready_.push_back(rejected_record(done_, username, std::move(found.fault)));
            return;
        }
        const auto counter_based = found.counter_based;
        const bool is_wanted = !found.devices.empty() || options_.users_without_totp;
        if (is_wanted) ready_.push_back(record_of_user(*user, username, std::move(found.devices)));
        const bool is_taken = is_wanted && ready_.back().what == import_record::kind::line;
        if (!is_wanted && counter_based == 0) ++left_out_;
        if (counter_based > 0)
            ready_.push_back(
                skipped_record(done_, username, "counter-based codes (HOTP) are not carried over"));
        if (is_taken && found.has_recovery_codes)
            ready_.push_back(skipped_record(done_, username,
                                            "its recovery codes are not carried over: they are "
                                            "kept in a form of Keycloak's own"));
    }

    import_record record_of_user(const json::object& user, const std::string& username,
                                 std::vector<core::otpauth> devices) const {
        const std::string_view id = text_in(user, "id");
        std::string name = full_name(user);
        if (!core::is_valid_display_name(name)) name = username;
        imported_user imported{.subject =
                                   options_.usernames_as_subjects ? username : std::string(id),
                               .username = username,
                               .email = std::string(text_in(user, "email")),
                               .name = std::move(name),
                               .locale = first_of_attribute(user, "locale"),
                               .devices = std::move(devices)};
        return record_of(done_, std::move(imported), options_);
    }

    json::value document_;
    std::uint64_t size_; // of the file
    import_options options_;
    std::vector<entry> users_; // in document_
    bool has_users_ = false;
    std::size_t done_ = 0;            // of users_
    std::deque<import_record> ready_; // of the latest user
    std::uint64_t left_out_ = 0;
};

} // namespace

fallible<std::unique_ptr<import_reader>>
read_keycloak_export(core::secret_string text, const std::string& name, import_options options) {
    boost::system::error_code error;
    json::parse_options strict;
    strict.max_depth = depth_max;
    auto document = json::parse(text.reveal(), error,
                                json::make_shared_resource<json::monotonic_resource>(), strict);
    if (error) return problem{name + " is no JSON: it may be cut off, or not be one export only"};
    auto reader = std::make_unique<keycloak_reader>(std::move(document), text.reveal().size(),
                                                    std::move(options));
    if (!reader->has_users())
        return problem{name + " has no users: export the realm with them (kc.sh export --users "
                              "same_file), or name a file of users"};
    return reader;
}

} // namespace countersign::app
