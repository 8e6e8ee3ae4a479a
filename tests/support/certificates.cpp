#include "tests/support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace countersign::tests {
namespace {

using key_pointer = std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)>;
using certificate_pointer = std::unique_ptr<X509, decltype(&::X509_free)>;
using file_pointer = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

void check(bool good) {
    if (!good) {
        throw std::runtime_error("OpenSSL makes no certificate");
    }
}

file_pointer open(const std::filesystem::path& path, const char* mode) {
    file_pointer file(std::fopen(path.c_str(), mode), &std::fclose);
    check(file != nullptr);
    return file;
}

void add_extension(X509* certificate, int id, const std::string& value) {
    X509_EXTENSION* const made = ::X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
    check(made != nullptr);
    ::X509_add_ext(certificate, made, -1);
    ::X509_EXTENSION_free(made);
}

certificate_pointer new_certificate(EVP_PKEY* key, const char* name, const certificate_wish& wish) {
    static std::atomic<long> serial{1};
    certificate_pointer made(::X509_new(), &::X509_free);
    ::X509_set_version(made.get(), X509_VERSION_3);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(made.get()), serial++);
    const auto seconds = [](std::chrono::hours hours) {
        return static_cast<long>(std::chrono::seconds(hours).count());
    };
    ::X509_gmtime_adj(::X509_getm_notBefore(made.get()), seconds(wish.valid_from));
    ::X509_gmtime_adj(::X509_getm_notAfter(made.get()), seconds(wish.valid_until));
    ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    check(::X509_set_pubkey(made.get(), key) == 1);
    add_extension(made.get(), NID_subject_alt_name, wish.names);
    return made;
}

certificate_files write(const std::filesystem::path& folder, EVP_PKEY* key, X509* certificate) {
    const auto name = std::to_string(::ASN1_INTEGER_get(::X509_get_serialNumber(certificate)));
    certificate_files files{.certificate = folder / (name + ".pem"),
                            .key = folder / (name + ".key.pem")};
    check(::PEM_write_X509(open(files.certificate, "w").get(), certificate) == 1);
    check(::PEM_write_PrivateKey(open(files.key, "w").get(), key, nullptr, nullptr, 0, nullptr,
                                 nullptr) == 1);
    std::filesystem::permissions(files.key, std::filesystem::perms::owner_read |
                                                std::filesystem::perms::owner_write);
    return files;
}

key_pointer new_key(unsigned rsa_bits = 0) {
    key_pointer key(rsa_bits > 0 ? ::EVP_RSA_gen(rsa_bits) : ::EVP_EC_gen("P-256"),
                    &::EVP_PKEY_free);
    check(key != nullptr);
    return key;
}

} // namespace

certificate_authority::certificate_authority(const std::filesystem::path& folder)
    : folder_(folder) {
    const auto key = new_key();
    const auto made = new_certificate(key.get(), "Test Authority", {});
    ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(made.get()));
    add_extension(made.get(), NID_basic_constraints, "critical,CA:TRUE");
    check(::X509_sign(made.get(), key.get(), ::EVP_sha256()) > 0);
    own_ = write(folder_, key.get(), made.get());
}

certificate_files certificate_authority::issue(const certificate_wish& wish) const {
    const certificate_pointer issuer(
        ::PEM_read_X509(open(own_.certificate, "r").get(), nullptr, nullptr, nullptr),
        &::X509_free);
    const key_pointer issuer_key(
        ::PEM_read_PrivateKey(open(own_.key, "r").get(), nullptr, nullptr, nullptr),
        &::EVP_PKEY_free);
    check(issuer && issuer_key);
    const auto key = new_key(wish.rsa_bits);
    const auto made = new_certificate(key.get(), "relay", wish);
    ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(issuer.get()));
    check(::X509_sign(made.get(), issuer_key.get(), ::EVP_sha256()) > 0);
    return write(folder_, key.get(), made.get());
}

} // namespace countersign::tests
