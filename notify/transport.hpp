// Hands finished mails over: to a mail relay, or to a folder. What can go wrong, in the three kinds
// that the notifier treats differently.
#pragma once

#include "notify/mail.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace countersign::notify {

enum class failure_kind : std::uint8_t {
    transient,           // this mail, not now: tried again, for a bounded time
    permanent_recipient, // this mail, never: a dead letter
    relay,               // no fault of the mail's: tried again for ever, others wait a little
};
[[nodiscard]] std::string_view to_string(failure_kind kind) noexcept;

struct delivery_failure {
    failure_kind kind = failure_kind::transient;
    std::string
        reason; // for the operator: stage and reply; no secret, at most 200 characters of reply
    // The relay works so far: what it then refused, this mail may have caused.
    bool relay_accepted_sender = false;
};

// Owned and called by one worker thread; submit() blocks, within its own deadlines. Once it returns
// success, the mail is somebody else's duty.
class transport {
public:
    virtual ~transport() = default;
    [[nodiscard]] virtual boost::system::result<void, delivery_failure>
    submit(const mail& mail) = 0;
};
using transport_factory = std::function<std::unique_ptr<transport>()>;

} // namespace countersign::notify
