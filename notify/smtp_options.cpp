#include "notify/smtp_options.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace countersign::notify {

bool holds_certificates(const std::string& file) {
    const std::unique_ptr<X509_STORE, decltype(&::X509_STORE_free)> store(::X509_STORE_new(),
                                                                          &::X509_STORE_free);
    const bool loaded = store && ::X509_STORE_load_file(store.get(), file.c_str()) == 1;
    ::ERR_clear_error();
    return loaded;
}

} // namespace countersign::notify
