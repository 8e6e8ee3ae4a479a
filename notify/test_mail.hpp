// A mail that says nothing, for an operator who tries the way to the relay.
#pragma once

#include "core/random.hpp"
#include "notify/mail.hpp"

#include <string>

namespace countersign::notify {

[[nodiscard]] boost::system::result<mail, render_error> make_test_mail(const mail_identity& sender,
                                                                       std::string recipient,
                                                                       core::random_source& random,
                                                                       core::unix_time now);

} // namespace countersign::notify
