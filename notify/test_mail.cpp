#include "notify/test_mail.hpp"

#include "notify/mime.hpp"

#include <utility>

namespace countersign::notify {

boost::system::result<mail, render_error> make_test_mail(const mail_identity& sender,
                                                         std::string recipient,
                                                         core::random_source& random,
                                                         core::unix_time now) {
    if (!is_safe_address(recipient) || !is_safe_address(sender.from_address)) {
        return render_error::unsafe_address;
    }
    const std::string name = one_line(sender.app_name);
    const std::string id = random.hex(16);
    mail made{.from = sender.from_address,
              .to = std::move(recipient),
              .message_id = "<" + id + ".test@" + std::string(domain_of(sender.from_address)) + ">",
              .name = file_time(now) + "-" + id + "-test",
              .mime = {}};
    made.mime = "Message-ID: " + made.message_id + "\r\n";
    made.mime += "Date: " + message_date(now) + "\r\n";
    made.mime += mailbox_header("From", name, made.from);
    made.mime += mailbox_header("To", {}, made.to);
    made.mime += text_header("Subject", "Test mail of " + name);
    made.mime += "MIME-Version: 1.0\r\n";
    made.mime += "Auto-Submitted: auto-generated\r\n"; // RFC 3834
    made.mime += "X-Auto-Response-Suppress: All\r\n";
    made.mime += "Content-Type: text/plain; charset=utf-8\r\n";
    made.mime += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    made.mime += quoted_printable("This mail was sent by hand (`countersign mail test`) to see "
                                  "whether mails of " +
                                  name + " arrive.\nIt says nothing about an account.\n");
    return made;
}

} // namespace countersign::notify
