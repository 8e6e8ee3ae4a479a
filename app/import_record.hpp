// What a reader of an import's file yields, one record after the other, and what all readers share:
// the options, and the way from a user of another system to an import line.
#pragma once

#include "app/problem.hpp"
#include "core/crypto/secret.hpp"
#include "core/import_line.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::app {

enum class import_format : std::uint8_t {
    ndjson,   // import lines as they are (core/import_line.hpp)
    otpauth,  // an otpauth:// URI per line, also `authelia storage user totp export uri`
    authelia, // the YAML of `authelia storage user totp export`
    keycloak, // the JSON of `kc.sh export`, a realm with its users or a file of users
};
// The name of a format as it is typed: "keycloak".
[[nodiscard]] std::string_view to_string(import_format format) noexcept;
[[nodiscard]] std::optional<import_format> import_format_from(std::string_view name) noexcept;

struct import_options {
    std::optional<import_format> format; // detected from the content where there is none
    // Makes the address of a user that has none in the file: <user name>@<domain>. Or empty.
    std::string email_domain;
    // Keycloak: the subject is the user's name rather than the id, the `sub` of Keycloak's tokens.
    bool usernames_as_subjects = false;
    // Keycloak: takes the users without an authenticator app too.
    bool users_without_totp = false;
};

struct import_record {
    enum class kind : std::uint8_t {
        line,     // `line` is to be imported
        skipped,  // something that cannot be carried over, as `sentence` says; no fault of the file
        rejected, // a record that is wrong, as `sentence` says
    };
    // Where it comes from, counted from 1: a line of the file (of several that are one record the
    // first), or a user or configuration of a file that is read as a whole.
    std::uint64_t number = 0;
    kind what = kind::line;
    core::secret_string line; // one import line without a line feed
    std::string sentence;     // no secret in it
    std::string who;          // whom it is about, printable ASCII; empty where that is not known
};

[[nodiscard]] import_record skipped_record(std::uint64_t number, std::string_view who,
                                           std::string sentence);
[[nodiscard]] import_record rejected_record(std::uint64_t number, std::string_view who,
                                            std::string sentence);

// A user of another system.
struct imported_user {
    std::string subject;
    std::string username; // what the address is made of where there is no other
    std::string email;    // or empty
    std::string name;     // left out if it cannot be a display name
    std::string locale;   // left out if it is no language tag
    std::vector<core::otpauth> devices;
};

// A line, or a rejection that says what is wrong with the user.
[[nodiscard]] import_record record_of(std::uint64_t number, imported_user user,
                                      const import_options& options);

// Reads one format. One thread uses it.
class import_reader {
public:
    import_reader() = default;
    import_reader(const import_reader&) = delete;
    import_reader& operator=(const import_reader&) = delete;
    virtual ~import_reader() = default;

    // The next record, or none at the end. An error ends the reading.
    [[nodiscard]] virtual fallible<std::optional<import_record>> next() = 0;
    // How far in the file the records are that next() has yielded.
    [[nodiscard]] virtual std::uint64_t bytes_done() const = 0;
    // Users that were passed over without a record.
    [[nodiscard]] virtual std::uint64_t users_left_out() const { return 0; }
};

// What a file that is read as a whole may have.
inline constexpr std::size_t import_file_size_max = std::size_t{256} * 1024 * 1024; // bytes

} // namespace countersign::app
