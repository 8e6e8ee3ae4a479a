// What the operator decides, as one value. Where it comes from (file, environment, flags) is
// configuration.hpp's business; what each setting is called and means is setting_table.hpp's.
#pragma once

#include "core/crypto/jws.hpp"
#include "core/crypto/password_hash.hpp"
#include "core/crypto/secret.hpp"
#include "core/policy.hpp"
#include "store/managed_redis.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace countersign::app {

enum class log_level : std::uint8_t { trace, debug, info, warn, error, critical, off };
enum class log_format : std::uint8_t {
    text, // time, level, message
    json, // one object per line
};

// The API families of section 4 of DESIGN.md.
enum class api_family : std::uint8_t { singularity, slugbase, clara, service };

struct listen_settings {
    std::string address = "127.0.0.1"; // IPv4 or IPv6, without brackets
    std::uint16_t port = 8080;         // 0: the system chooses
};

struct tls_settings {
    std::string certificate, key; // paths of PEM files: both or, for a plain listener, none

    [[nodiscard]] bool on() const noexcept { return !certificate.empty(); }
};

struct redis_settings {
    std::optional<core::secret_string> url;                   // none: the managed embedded server
    std::optional<core::secret_string> limits_url;            // none: the same Redis
    store::durability durability = store::durability::always; // of the managed server
};

struct mail_settings {
    std::optional<core::secret_string> url; // none: .eml files below the data directory
    std::string ca_file;                    // PEM; empty: the system's authorities
    std::string from = "countersign@localhost";
    std::string accent_color = "#1f5fbf"; // #rrggbb, as the dark one
    std::string accent_color_dark;        // empty: of the other one
    std::string logo_text;                // empty: the application's name
    std::string templates;                // a directory; empty: the built-in templates and texts
    int workers = 4;
    bool notifier = true;                   // run the notifier inside `serve`
    std::int64_t outbox_max = 100'000;      // alerts, over all partitions
    std::int64_t outbox_codes_max = 20'000; // codes
};

struct application_settings {
    std::string name = "Countersign";
    std::string base_uri = "http://localhost:8080"; // without a slash at the end
    std::string default_locale = "en";              // canonical (core::locale_tag)
};

struct clara_settings {
    std::string public_key;
    std::optional<core::secret_string> private_key;
};

struct metrics_settings {
    std::optional<listen_settings> listen; // none: no metrics
};

struct log_settings {
    log_level level = log_level::info;
    log_format format = log_format::text;
};

// Move-only, because it holds secrets.
struct settings {
    listen_settings listen;
    tls_settings tls;
    std::filesystem::path data_dir = "./data";
    int threads = 0; // 0: one per core; configure() puts the number in its place
    redis_settings redis;
    mail_settings mail;
    application_settings app;
    core::policy policy;
    core::argon2_parameters password; // of new hashes; the next right password replaces others
    bool ip_limits = true;
    bool host_prefixed_cookies = false;
    std::vector<api_family> families{api_family::singularity, api_family::service};
    clara_settings clara;
    std::vector<std::string> trusted_proxies; // CIDR, canonical: no bits beyond the prefix
    metrics_settings metrics;
    log_settings log;
    bool core_dumps = false;
    // Of access tokens, where a key is made for them.
    core::jws_algorithm token_algorithm = core::jws_algorithm::hs256;
};

} // namespace countersign::app
