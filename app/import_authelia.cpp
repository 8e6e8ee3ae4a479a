#include "app/import_authelia.hpp"

#include "core/crypto/encoding.hpp"
#include "core/text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <optional>
#include <streambuf>
#include <utility>
#include <vector>

namespace countersign::app {

namespace {

// A text as a stream's source, without a copy of it.
class text_buffer final : public std::streambuf {
public:
    explicit text_buffer(const std::string& text) {
        char* const begin = const_cast<char*>(text.data()); // only read from
        setg(begin, begin, begin + text.size());
    }
};

// One entry of the list, its values as they are written.
struct configuration {
    std::string username, issuer, algorithm, digits, period;
    std::string secret;
    bool is_plain = true; // an object of texts and numbers in which nothing of these comes twice
};

// Collects the configurations. What is not of the expected shape marks its configuration, or is
// passed over outside of one.
class collector final : public YAML::EventHandler {
public:
    std::vector<configuration> found;
    bool has_list = false;

    void OnDocumentStart(const YAML::Mark& /*mark*/) override { open_.clear(); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override { scalar({}); }
    void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {
        begin(container::other);
        end();
    }
    void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  const std::string& value) override {
        scalar(value);
    }
    void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/,
                         YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {
        begin(container::sequence);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/,
                    YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {
        begin(container::map);
    }
    void OnMapEnd() override { end(); }

private:
    enum class container : std::uint8_t { map, sequence, list, configuration, other };
    struct level {
        container what;
        bool expects_key;
        std::string key; // whose value comes next
    };

    // What a container is where it stands.
    container place(container shape) {
        if (open_.size() == 1 && open_.back().what == container::map && !open_.back().expects_key &&
            open_.back().key == "totp_configurations" && shape == container::sequence) {
            has_list = true;
            return container::list;
        }
        if (!open_.empty() && open_.back().what == container::list) {
            found.emplace_back().is_plain = shape == container::map;
            return shape == container::map ? container::configuration : container::other;
        }
        if (!open_.empty() && open_.back().what == container::configuration)
            found.back().is_plain = false;
        return shape == container::map && open_.empty() ? container::map : container::other;
    }

    void begin(container shape) {
        const auto what = place(shape);
        if (!open_.empty()) open_.back().expects_key = !open_.back().expects_key;
        open_.push_back({.what = what, .expects_key = true, .key = {}});
    }
    void end() { open_.pop_back(); }

    void scalar(const std::string& value) {
        if (open_.empty()) return;
        auto& inner = open_.back();
        if (inner.what == container::list) found.emplace_back().is_plain = false;
        if (inner.expects_key)
            inner.key = value;
        else if (inner.what == container::configuration)
            set(found.back(), inner.key, value);
        inner.expects_key = !inner.expects_key;
    }

    static void set(configuration& one, std::string_view key, const std::string& value) {
        std::string* const member = key == "username"    ? &one.username
                                    : key == "issuer"    ? &one.issuer
                                    : key == "algorithm" ? &one.algorithm
                                    : key == "digits"    ? &one.digits
                                    : key == "period"    ? &one.period
                                    : key == "secret"    ? &one.secret
                                                         : nullptr;
        if (member == nullptr) return;
        if (!member->empty()) one.is_plain = false;
        *member = value;
    }

    std::vector<level> open_; // outermost first
};

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<core::hash_algorithm> algorithm_of(std::string_view name) {
    const std::string lower = core::to_lower_ascii(name);
    if (lower == "sha1") return core::hash_algorithm::sha1;
    if (lower == "sha256") return core::hash_algorithm::sha256;
    if (lower == "sha512") return core::hash_algorithm::sha512;
    return std::nullopt;
}

// Authelia keeps the base32 text of a secret, and its YAML has that text in base64 (RFC 4648
// section 4).
std::optional<core::secret_bytes> secret_of(std::string text) {
    while (text.ends_with('='))
        text.pop_back();
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    auto base32 = core::from_base64url(text);
    core::wipe(text);
    if (!base32) return std::nullopt;
    auto secret = core::from_base32(core::text_of(*base32));
    core::wipe(*base32);
    if (!secret) return std::nullopt;
    return core::secret_bytes(*std::move(secret));
}

class authelia_reader final : public import_reader {
public:
    authelia_reader(std::vector<configuration> all, std::uint64_t size, import_options options)
        : all_(std::move(all)), size_(size), options_(std::move(options)) {}
    ~authelia_reader() override {
        for (auto& one : all_)
            core::wipe(one.secret);
    }

    fallible<std::optional<import_record>> next() override {
        if (done_ == all_.size()) return std::nullopt;
        auto& one = all_[done_++];
        auto record = convert(one);
        core::wipe(one.secret);
        return record;
    }

    std::uint64_t bytes_done() const override {
        return all_.empty() ? size_ : size_ * done_ / all_.size();
    }

private:
    import_record convert(const configuration& one) const {
        const auto reject = [&](std::string sentence) {
            return rejected_record(done_, one.username, std::move(sentence));
        };
        if (!one.is_plain)
            return reject("a configuration is an object of texts and numbers, each there once");
        if (one.username.empty()) return reject("its username is missing");
        const auto algorithm = algorithm_of(one.algorithm);
        if (!algorithm) return reject("its algorithm is not SHA1, SHA256 or SHA512");
        const auto digits = number_of(one.digits), period_s = number_of(one.period);
        if (!digits || !period_s) return reject("its digits and period are whole numbers");
        auto secret = secret_of(one.secret);
        if (!secret) return reject("its secret is not the base64 of a base32 text");

        core::otpauth device;
        device.issuer = one.issuer;
        device.account_name = one.username;
        device.secret = *std::move(secret);
        device.parameters = {.algorithm = *algorithm, .digits = *digits, .period_s = *period_s};
        imported_user user{.subject = one.username,
                           .username = one.username,
                           .email = {},
                           .name = {},
                           .locale = {},
                           .devices = {}};
        user.devices.push_back(std::move(device));
        return record_of(done_, std::move(user), options_);
    }

    std::vector<configuration> all_;
    std::uint64_t size_; // of the file
    import_options options_;
    std::size_t done_ = 0;
};

} // namespace

fallible<std::unique_ptr<import_reader>>
read_authelia_export(core::secret_string text, const std::string& name, import_options options) {
    // The parser takes some of them for the end of the file, and would leave users out in silence.
    const bool has_control_character = std::ranges::any_of(text.reveal(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
    });
    if (has_control_character)
        return problem{name + " is no YAML: it has control characters in it"};

    collector found;
    try {
        text_buffer buffer(text.reveal());
        std::istream in(&buffer);
        YAML::Parser parser(in);
        // Never in a loop: before some characters the parser finds empty documents without end.
        if (parser.HandleNextDocument(found) && parser.HandleNextDocument(found))
            return problem{name + " has more in it than one YAML document"};
    } catch (const YAML::Exception& error) {
        // Its own words may quote the file.
        return problem{name + " is no YAML that can be read: see line " +
                       std::to_string(error.mark.line + 1)};
    }
    if (!found.has_list)
        return problem{name + " has no totp_configurations: it is not what `authelia storage user "
                              "totp export` writes"};
    return std::make_unique<authelia_reader>(std::move(found.found), text.reveal().size(),
                                             std::move(options));
}

} // namespace countersign::app
