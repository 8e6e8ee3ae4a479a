// Subjects: accounts that a backend makes and vouches for, by an identifier of its own.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/import_line.hpp"
#include "core/text.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

// The account that a subject is: itself if it is written as an account's id, else one whose id is
// made of the subject alone. So a subject is found without an index, and an import that runs again
// finds what it made.
[[nodiscard]] account_id account_of_subject(std::string_view subject);
// Whether the subject is an account's id: such a one is never made under that name.
[[nodiscard]] bool names_an_account(std::string_view subject) noexcept;
// Whether the account is the one that the subject means, and not merely one with the id that the
// subject's would have.
[[nodiscard]] bool is_subject(const account& account, std::string_view subject) noexcept;

struct create_subject {
    std::string subject;
    email_address email;
    std::string name;
    std::string locale;
    bool email_factor = true;         // whether e-mail is a second factor of it
    std::vector<totp_device> devices; // that it has elsewhere, sealed for account_of_subject()
    std::vector<std::string> backup_code_hashes;
};
// The account as it begins; there is none yet to decide upon. Nobody is mailed: for its holder
// nothing has changed. Refuses with method_forbidden.
[[nodiscard]] decision<nothing> create(const create_subject& command, const context& context,
                                       unix_time now);
// The command that a line of an import stands for: the e-mail factor is on where the line has no
// device and policy wants it.
[[nodiscard]] create_subject command_of(const import_line& line, const context& context,
                                        random_source& random);
// Whether the account has what the line would make, or more.
[[nodiscard]] bool is_covered_by(const import_line& line, const account& existing,
                                 const context& context);

// What is given replaces what was there.
struct update_subject {
    std::optional<email_address> email; // taken in the index before
    std::optional<std::string> name, locale;
    std::optional<bool> email_factor;
    request_origin origin;
};
struct subject_updated {
    std::string previous_email; // empty if the address did not change
};
// A changed address is told to both; a switched factor to its holder. Refuses with only_method
// and method_forbidden if policy says so.
[[nodiscard]] decision<subject_updated> decide(const account& current,
                                               const update_subject& command,
                                               const context& context, unix_time now);

// Where alerts go beside the account's own address, which is told of the change together with all
// that were there and all that are.
struct set_notification_addresses {
    std::vector<email_address> addresses; // notification_addresses_max at the most, none twice
    request_origin origin;
};
// The account's own address is left out, as it is told anyway. Never refuses.
[[nodiscard]] decision<nothing> decide(const account& current,
                                       const set_notification_addresses& command,
                                       const context& context, unix_time now);

// An administrator ends every session of the account, and the logins and step-ups under way.
struct terminate_sessions {
    request_origin origin;
};
// The holder hears of it if there was one to end; it is recorded in either case. Never refuses.
[[nodiscard]] decision<nothing> decide(const account& current, const terminate_sessions& command,
                                       const context& context, unix_time now);

} // namespace countersign::core
