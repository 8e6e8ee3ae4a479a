#include "notify/smtp_reply.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace countersign::tests {
namespace {

using notify::smtp_reply;
using notify::smtp_reply_reader;
using progress = smtp_reply_reader::progress;

struct read_outcome {
    progress end = progress::incomplete;
    smtp_reply reply;
    std::string rest;
};

// In pieces of `piece` bytes.
read_outcome read(std::string text, std::size_t piece) {
    smtp_reply_reader reader;
    read_outcome out;
    while (!text.empty() && out.end == progress::incomplete) {
        out.rest += text.substr(0, piece);
        text.erase(0, piece);
        out.end = reader.take(out.rest);
    }
    out.rest += text;
    if (out.end == progress::complete) {
        out.reply = reader.reply();
    }
    return out;
}

TEST(SmtpReply, OfAnyPieces_IsReadToItsEndAndNoFurther) {
    for (std::size_t piece = 1; piece < 40; ++piece) {
        const auto one = read("250 2.0.0 queued\r\n421 bye\r\n", piece);
        ASSERT_EQ(one.end, progress::complete) << piece;
        EXPECT_EQ(one.reply.code, 250);
        EXPECT_EQ(one.reply.text, "250 2.0.0 queued");
        EXPECT_EQ(one.rest, "421 bye\r\n");
        const auto many = read("550-5.1.1 no\r\n550-\r\n550 5.1.1 such user\r\n", piece);
        ASSERT_EQ(many.end, progress::complete) << piece;
        EXPECT_EQ(many.reply.code, 550);
        EXPECT_EQ(many.reply.text, "550 5.1.1 such user");
        EXPECT_EQ(many.rest, "");
    }
}

TEST(SmtpReply, WithoutText_OrWithABareLineFeed_IsRead) {
    for (const auto* text : {"250\r\n", "250 \r\n", "250\n", "250 ok\n", "250-a\n250 b\r\n"}) {
        const auto read_one = read(text, 100);
        EXPECT_EQ(read_one.end, progress::complete) << text;
        EXPECT_EQ(read_one.reply.code, 250) << text;
    }
}

TEST(SmtpReply, WithoutItsEnd_IsIncomplete) {
    for (const auto* text : {"2", "250", "250 ok", "250 ok\r", "250-ok\r\n", "250-ok\r\n250 o"}) {
        EXPECT_EQ(read(text, 100).end, progress::incomplete) << text;
    }
}

TEST(SmtpReply, WhatIsNoReply_IsMalformed) {
    for (const auto* text : {"\r\n", "ok\r\n", "25\r\n", "2500 ok\r\n", "250_ok\r\n", "150 ok\r\n",
                             "650 ok\r\n", " 250 ok\r\n", "2 50 ok\r\n", "250-ok\r\n550 no\r\n",
                             "250-ok\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"}) {
        EXPECT_EQ(read(text, 100).end, progress::malformed) << text;
    }
}

TEST(SmtpReply, LongLinesAndManyLines_AreReadInBoundedSpace) {
    const auto line = read("250 " + std::string(100'000, 'x') + "\r\n", 4096);
    EXPECT_EQ(line.end, progress::complete);
    EXPECT_EQ(line.reply.text.size(), notify::smtp_reply_text_max);
    std::string lines;
    for (int index = 0; index < 1000; ++index) {
        lines += "250-" + std::to_string(index) + "\r\n";
    }
    EXPECT_EQ(read(lines + "250 end\r\n", 4096).reply.text, "250 end");
    std::string endless;
    while (endless.size() <= notify::smtp_reply_size_max) {
        endless += "250-more\r\n";
    }
    EXPECT_EQ(read(endless, 4096).end, progress::malformed);
    EXPECT_EQ(read(std::string(notify::smtp_reply_size_max + 1, '2'), 4096).end,
              progress::malformed);
}

} // namespace
} // namespace countersign::tests
