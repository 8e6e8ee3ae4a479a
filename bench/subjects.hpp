// Subjects of the service API whose secrets follow from their number, so that hundreds of thousands
// of them need no file, and the requests that verify them. A TOTP step counts once per subject, so
// it is kept who has used which.
#pragma once

#include "bench/load.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::bench {

struct subject_shape {
    std::size_t devices = 1;
    std::size_t backup_codes = 10;
};

[[nodiscard]] std::string subject_name(std::size_t number); // "bench-0000042"
// One line of docs/imports.md, with its line end.
[[nodiscard]] std::string import_line(std::size_t number, const subject_shape& shape);
// Six digits, of RFC 6238 with its defaults.
[[nodiscard]] std::uint32_t totp_code_of(std::size_t subject, std::size_t device,
                                         std::int64_t step);
// The same for any key.
[[nodiscard]] std::uint32_t totp_code(std::string_view key, std::int64_t step);
[[nodiscard]] std::string six_digits(std::uint32_t code);
[[nodiscard]] std::string backup_code_of(std::size_t subject, std::size_t number);
// The step that the system's clock is in.
[[nodiscard]] std::int64_t step_now();

// What is left of a population's codes. Subjects from `first` on are used in turn, so that the same
// one comes again as late as possible.
class code_supply {
public:
    code_supply(std::size_t first, std::size_t count, std::size_t devices = 1);

    struct code {
        std::uint32_t subject = 0;
        std::uint32_t digits = 0;
        std::int64_t step = 0;
        std::uint32_t slot = 0; // of `last_`
    };
    // Up to `wanted` right codes that stay good for the next `seconds`; waits for the next TOTP
    // period where fewer than `enough` are left, at most twice.
    [[nodiscard]] std::vector<code> take(std::size_t wanted, std::size_t enough, double seconds);
    // Those were not sent after all; in any order, before the next take().
    void give_back(const code* first, std::size_t count);

private:
    [[nodiscard]] std::vector<code> find(std::size_t wanted, double seconds);

    std::size_t first_, devices_;
    std::vector<std::int64_t> last_; // accepted step by slot: device * subjects + subject
    std::size_t next_ = 0;
};

enum class code_kind : std::uint8_t { totp, wrong, backup };

// POST …/verifications, one for each code.
class verifications : public request_source {
public:
    verifications(std::string key, std::vector<code_supply::code> codes);
    // `count` codes that nobody has (by `first` and on: four for each subject, below the pause), or
    // backup codes from `first` on: ten for each subject.
    verifications(std::string key, code_kind kind, std::size_t first, std::size_t count);

    std::string_view next() override;
    bool accepts(unsigned status, std::string_view body) override;
    [[nodiscard]] std::size_t used() const noexcept { return used_; }
    [[nodiscard]] const std::vector<code_supply::code>& codes() const noexcept { return codes_; }

private:
    void write_request(std::size_t subject, std::string_view code);

    code_kind kind_ = code_kind::totp;
    std::string key_;
    std::vector<code_supply::code> codes_;
    std::size_t first_ = 0, count_ = 0, used_ = 0;
    std::string request_;
};

[[nodiscard]] std::string verification_request(const std::string& key, std::string_view subject,
                                               std::string_view code);

} // namespace countersign::bench
