#include "net/tls_identity.hpp"

#include "net/reply.hpp"
#include "net/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <new>
#include <optional>
#include <stdexcept>

namespace countersign::net {

namespace {

using bio_pointer = std::unique_ptr<BIO, decltype(&::BIO_free_all)>;

bio_pointer reader_of(std::string_view text) {
    bio_pointer reader(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                       &::BIO_free_all);
    if (!reader) throw std::bad_alloc();
    return reader;
}

tls_problem certificate_problem(std::string sentence) {
    return {tls_problem::file::certificate, std::move(sentence)};
}

tls_problem key_problem(std::string sentence) {
    return {tls_problem::file::key, std::move(sentence)};
}

boost::system::result<std::vector<std::shared_ptr<X509>>, tls_problem>
parse_chain(std::string_view text) {
    std::vector<std::shared_ptr<X509>> chain;
    const auto reader = reader_of(text);
    ::ERR_clear_error();
    while (X509* const next = ::PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr))
        chain.emplace_back(next, &::X509_free);
    const bool at_end = ERR_GET_REASON(::ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const char* const reason = ::ERR_reason_error_string(::ERR_peek_error());
    ::ERR_clear_error();
    if (!at_end)
        return certificate_problem(std::string("holds a certificate that cannot be read (") +
                                   (reason != nullptr ? reason : "no reason given") + ")");
    if (chain.empty()) return certificate_problem("holds no certificate in PEM form");
    return chain;
}

boost::system::result<std::shared_ptr<EVP_PKEY>, tls_problem> parse_key(std::string_view text) {
    bool encrypted = false;
    const auto passphrase = [](char*, int, int, void* asked) {
        *static_cast<bool*>(asked) = true;
        return -1;
    };
    const auto reader = reader_of(text);
    std::shared_ptr<EVP_PKEY> key(
        ::PEM_read_bio_PrivateKey(reader.get(), nullptr, passphrase, &encrypted), &::EVP_PKEY_free);
    ::ERR_clear_error();
    if (encrypted) return key_problem("is encrypted: it must be a key without a passphrase");
    if (!key) return key_problem("holds no private key in PEM form");
    return key;
}

std::optional<std::chrono::sys_seconds> to_time(const ASN1_TIME* time) {
    std::tm parts{};
    if (::ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
    return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

// Until when all of them are valid, if they are `now`.
boost::system::result<std::chrono::sys_seconds, tls_problem>
check_validity(const std::vector<std::shared_ptr<X509>>& chain, std::chrono::sys_seconds now) {
    auto until = std::chrono::sys_seconds::max();
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const auto begin = to_time(::X509_get0_notBefore(chain[i].get()));
        const auto end = to_time(::X509_get0_notAfter(chain[i].get()));
        const auto which = "holds a certificate (number " + std::to_string(i + 1) + ") that ";
        if (!begin || !end) return certificate_problem(which + "does not say when it is valid");
        if (now < *begin)
            return certificate_problem(which + "is not valid before " + http_date(*begin));
        if (now > *end) return certificate_problem(which + "has expired: " + http_date(*end));
        until = std::min(until, *end);
    }
    return until;
}

} // namespace

void throw_exception_from_error(const tls_problem& problem, const boost::source_location& where) {
    throw std::logic_error("a result without a value was read as if it had one: " +
                           problem.sentence + " at " + where.to_string());
}

boost::system::result<tls_identity, tls_problem> tls_identity::parse(std::string_view certificates,
                                                                     std::string_view key,
                                                                     std::chrono::sys_seconds now) {
    auto chain = parse_chain(certificates);
    if (chain.has_error()) return chain.error();
    const auto valid_until = check_validity(*chain, now);
    if (valid_until.has_error()) return valid_until.error();
    auto private_key = parse_key(key);
    if (private_key.has_error()) return private_key.error();

    tls_identity identity;
    identity.chain_ = *std::move(chain);
    identity.key_ = *std::move(private_key);
    identity.valid_until_ = *valid_until;
    const bool fits =
        ::X509_check_private_key(identity.chain_.front().get(), identity.key_.get()) == 1;
    ::ERR_clear_error();
    if (!fits)
        return key_problem("is not the key of the certificate, which must be the first in its "
                           "file");
    try {
        ticket_keys unused{ticket_keys::key{}};
        const tls_context trial(identity, unused);
    } catch (const std::runtime_error& refusal) {
        return certificate_problem(std::string("cannot be used: ") + refusal.what());
    }
    return identity;
}

} // namespace countersign::net
