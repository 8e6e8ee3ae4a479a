#include "notify/smtp_reply.hpp"

#include <algorithm>

namespace countersign::notify {
namespace {

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

// 0 if there is none.
int code_of(std::string_view line) {
    if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
        !is_digit(line[2])) {
        return 0;
    }
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

} // namespace

smtp_reply_reader::progress smtp_reply_reader::take(std::string& bytes) {
    std::size_t used = 0;
    auto now = progress::incomplete;
    while (now == progress::incomplete && used < bytes.size()) {
        const auto end = std::min(bytes.find('\n', used), bytes.size());
        line_.append(bytes, used,
                     std::min(end - used,
                              smtp_reply_text_max - std::min(line_.size(), smtp_reply_text_max)));
        const bool ended = end < bytes.size();
        size_ += end - used + ended;
        used = end + ended;
        if (size_ > smtp_reply_size_max) {
            now = progress::malformed;
        } else if (ended) {
            now = end_line();
        }
    }
    bytes.erase(0, used);
    return now;
}

smtp_reply_reader::progress smtp_reply_reader::end_line() {
    if (line_.ends_with('\r')) {
        line_.pop_back();
    }
    const int code = code_of(line_);
    const bool more = line_.size() > 3 && line_[3] == '-';
    if (code == 0 || (line_.size() > 3 && !more && line_[3] != ' ') ||
        (reply_.code != 0 && reply_.code != code)) {
        return progress::malformed;
    }
    reply_.code = code;
    reply_.text = std::move(line_);
    line_.clear();
    return more ? progress::incomplete : progress::complete;
}

} // namespace countersign::notify
