// Replies of a relay: they are the same in whatever pieces they arrive, and within their bounds.
#include "notify/smtp_reply.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

namespace countersign::fuzz {
namespace {

using progress = notify::smtp_reply_reader::progress;

struct dialogue {
    std::string replies; // `code text`, a line each
    bool malformed = false;

    friend bool operator==(const dialogue&, const dialogue&) = default;
};

dialogue read_in_pieces(std::string_view input, std::size_t size) {
    dialogue read;
    notify::smtp_reply_reader reader;
    std::string bytes;
    for (;;) {
        switch (reader.take(bytes)) {
        case progress::incomplete:
            require(bytes.empty(), "what does not end a reply belongs to it");
            if (input.empty()) return read;
            bytes = input.substr(0, size);
            input.remove_prefix(std::min(size, input.size()));
            break;
        case progress::complete: {
            const auto& reply = reader.reply();
            require(reply.code >= 200 && reply.code <= 599, "a reply has a code");
            require(reply.text.size() <= notify::smtp_reply_text_max &&
                        reply.text.find('\n') == std::string::npos &&
                        reply.text.starts_with(std::to_string(reply.code)),
                    "a reply's text is the beginning of its last line");
            read.replies += reply.text + "\n";
            reader = {};
            break;
        }
        case progress::malformed:
            read.malformed = true;
            return read;
        }
    }
}

void smtp_reply(std::string_view input) {
    const auto whole = read_in_pieces(input, input.size() + 1);
    require(read_in_pieces(input, 1) == whole, "bytes that come one by one say the same");
    require(read_in_pieces(input, 7) == whole, "pieces say the same");
}

const registration here("smtp_reply", smtp_reply);

} // namespace
} // namespace countersign::fuzz
