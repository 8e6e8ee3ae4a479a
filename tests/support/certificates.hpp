// X.509 certificates for one test, made with OpenSSL.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace countersign::tests {

struct certificate_wish {
    std::string names = "DNS:localhost,IP:127.0.0.1,IP:0.0.0.0"; // the subject's alternative names
    std::chrono::hours valid_from{-1}, valid_until{24};          // from now
    unsigned rsa_bits = 0;                                       // 0: a key of the curve P-256
};

// PEM files.
struct certificate_files {
    std::filesystem::path certificate, key;
};

// An authority of the test's own, in a folder of the test's.
class certificate_authority {
public:
    explicit certificate_authority(const std::filesystem::path& folder);

    [[nodiscard]] std::string file() const { return own_.certificate; }
    // The authority's own certificate, which a server may present as a self-signed one.
    [[nodiscard]] const certificate_files& self_signed() const { return own_; }
    [[nodiscard]] certificate_files issue(const certificate_wish& wish = {}) const;

private:
    std::filesystem::path folder_;
    certificate_files own_;
};

} // namespace countersign::tests
