// Events and a renderer for the tests of mails.
#pragma once

#include "core/crypto/aead.hpp"
#include "core/event.hpp"
#include "notify/mail.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <utility>
#include <vector>

namespace countersign::tests {

inline constexpr std::string_view sample_secret = "493817";

inline core::key_ring sample_keys() {
    std::vector<core::encryption_key> keys;
    keys.push_back({"k1", core::secret_key(std::array<std::byte, 32>{})});
    return core::key_ring(std::move(keys));
}

inline notify::mail_identity sample_identity() {
    return {.from_address = "security@countersign.example",
            .app_name = "Countersign",
            .base_uri = "https://id.example.org/",
            .default_locale = "en"};
}

inline std::vector<core::event_type> all_event_types() {
    std::vector<core::event_type> out;
    for (std::size_t index = 0; index < core::event_type_count; ++index) {
        out.push_back(static_cast<core::event_type>(index));
    }
    return out;
}

inline core::event sample_event(core::event_type type, std::string locale = "en",
                                std::string_view secret = sample_secret) {
    using namespace std::chrono;
    core::event event;
    event.id = core::event_id("0123456789abcdef0123456789abcdef");
    event.type = type;
    event.account = core::account_id("user_00112233445566778899aabbccddeeff");
    event.at = sys_days(2026y / January / 2) + 3h + 4min + 5s + 678ms;
    event.recipients = {"ada@example.org"};
    event.name = "Ada Löwe";
    event.locale = std::move(locale);
    event.method = "totp";
    event.label = "Telefon";
    event.ip = "203.0.113.7";
    event.browser = "Firefox";
    event.os = "Linux";
    event.old_email = "old@example.org";
    event.new_email = "new@example.org";
    event.remaining_codes = 3;
    event.expires_at = event.at + 10min;
    event.sealed_secret =
        sample_keys().seal(secret, core::secret_context(event.account, type), {std::byte{7}});
    return event;
}

inline notify::mail rendered(const core::event& event,
                             notify::mail_identity identity = sample_identity()) {
    const core::key_ring keys = sample_keys();
    const notify::renderer renderer(std::move(identity), keys);
    auto made = renderer.render(event, event.recipients.front());
    if (!made) {
        throw std::runtime_error(std::string(notify::to_string(made.error())));
    }
    return std::move(*made);
}

// A folder of the test's own, removed with it.
class temporary_folder {
public:
    temporary_folder() {
        auto name = (std::filesystem::temp_directory_path() / "countersign-mail-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("no temporary folder");
        }
        path_ = name;
    }
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace countersign::tests
