// Bytes that are not one unambiguous request: refused with the right status, the connection closed,
// and nothing behind them taken for a second request. Each row goes to a real server.
#include "tests/net/echo_server.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace countersign::net {
namespace {

struct malformed_case {
    const char* name;
    std::string bytes;
    unsigned status;
};

void PrintTo(const malformed_case& row, std::ostream* out) {
    *out << row.name;
}

const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
std::string get(const std::string& fields) {
    return "GET / HTTP/1.1\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields, const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) {
    return post("Transfer-Encoding: chunked\r\n", body);
}
std::string fields(int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
        text += "X-" + std::to_string(i) + ": v\r\n";
    return text;
}

const malformed_case cases[] = {
    {"NoHost", get(""), 400},
    {"TwoHosts", get("Host: a\r\nHost: b\r\n"), 400},
    {"TwoEqualHosts", get("Host: a\r\nHost: a\r\n"), 400},
    {"HostWithSpace", get("Host: a b\r\n"), 400},
    {"HostEmpty", get("Host:\r\n"), 400},
    {"HostWithPath", get("Host: a/b\r\n"), 400},
    {"HostWithUser", get("Host: u@a\r\n"), 400},
    {"HostWithBadPort", get("Host: a:8x\r\n"), 400},
    {"TwoAuthorizations", get("Host: a\r\nAuthorization: x\r\nAuthorization: y\r\n"), 400},
    {"LengthAndChunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
     400},
    {"ChunkedAndLength", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
     400},
    {"TwoEqualLengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400},
    {"TwoLengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), 400},
    {"LengthList", post("Content-Length: 2, 2\r\n", "{}"), 400},
    {"LengthPlus", post("Content-Length: +2\r\n", "{}"), 400},
    {"LengthMinus", post("Content-Length: -2\r\n", "{}"), 400},
    {"LengthHex", post("Content-Length: 0x2\r\n", "{}"), 400},
    {"LengthEmpty", post("Content-Length:\r\n", "{}"), 400},
    {"LengthOverflow", post("Content-Length: 99999999999999999999999\r\n", "{}"), 400},
    {"LengthElevenDigits", post("Content-Length: 00000000002\r\n", "{}"), 400},
    {"TransferGzip", post("Transfer-Encoding: gzip\r\n", ""), 400},
    {"TransferXChunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
    {"TransferGzipChunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
    {"TransferChunkedIdentity", post("Transfer-Encoding: chunked, identity\r\n", ""), 400},
    {"TransferTwice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ""),
     400},
    {"ChunkedOnHttp10", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"FoldedLine", get("Host: a\r\nX-Test: b\r\n c\r\n"), 400},
    {"FoldedLineWithTab", get("Host: a\r\nTransfer-Encoding:\r\n\tchunked\r\n"), 400},
    {"SpaceBeforeFirstField", get(" Host: a\r\n"), 400},
    {"SpaceBeforeColon", get("Host : a\r\n"), 400},
    {"NoColon", get("Host: a\r\nnonsense\r\n"), 400},
    {"NulInValue", get(std::string("Host: a\r\nX-Test: b\0c\r\n", 22)), 400},
    {"BareLineFeed", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"BareLineFeedInField", get("Host: a\r\nX-Test: b\nX-Other: c\r\n"), 400},
    {"BareCarriageReturn", get("Host: a\r\nX-Test: b\rX-Other: c\r\n"), 400},
    {"EmptyLineFirst", "\r\n" + get("Host: a\r\n"), 400},
    {"TlsHello", std::string("\x16\x03\x01\x02", 4), 400},
    {"AbsoluteTarget", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"AsteriskTarget", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"AuthorityTarget", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"FragmentInTarget", "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"HighByteInTarget", "GET /\xFF HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"ControlInTarget", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"TwoSpaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"NoVersion", "GET /\r\n\r\n", 400},
    {"Version09", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
    {"Version12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"Version2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"LowerCaseMethod", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"UnknownMethod", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"UnknownExpectation", post("Content-Length: 2\r\nExpect: 200-maybe\r\n", "{}"), 417},
    {"TooManyFields", get("Host: a\r\n" + fields(64)), 431},
    {"HeaderTooLarge", get("Host: a\r\nX-Test: " + std::string(9000, 'x') + "\r\n"), 431},
    {"HeaderTooLargeUnfinished", "GET /" + std::string(9000, 'x'), 431},
    {"BodyAnnouncedTooLarge", post("Content-Length: 16385\r\n", ""), 413},
    {"BodyAnnouncedHuge", post("Content-Length: 9999999999\r\n", ""), 413},
    {"ChunkTooLarge", chunked("4001\r\n"), 413},
    {"ChunksTooLarge", chunked("2000\r\n" + std::string(8192, 'x') + "\r\n2001\r\n"), 413},
    {"ChunkNoHex", chunked("zz\r\n"), 400},
    {"ChunkSizeOverflow", chunked("FFFFFFFFFFFFFFFFF\r\n"), 400},
    {"ChunkBareLineFeed", chunked("1\nx\r\n0\r\n\r\n"), 400},
    {"ChunkWithoutEnd", chunked("1\r\nxy\r\n0\r\n\r\n"), 400},
    {"ChunkExtensionsTooLong", chunked("1;" + std::string(1100, 'a') + "\r\nx\r\n0\r\n\r\n"), 400},
    {"ChunkLineTooLong", chunked("1;" + std::string(20000, 'a')), 400},
    {"TrailersTooLong", chunked("0\r\nX-Test: " + std::string(20000, 'a')), 400},
};

class Malformed : public testing::TestWithParam<std::tuple<malformed_case, tests::transport>> {};

TEST_P(Malformed, IsRefusedAndClosed_WithoutASecondReply) {
    const auto& [row, over] = GetParam();
    tests::echo_server server({}, over);
    auto client = server.connect();

    client.send(row.bytes + smuggled);
    client.finish_sending();
    const auto reply = client.receive();

    EXPECT_EQ(reply.status, row.status) << reply.body;
    EXPECT_FALSE(reply.body.empty());
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_TRUE(client.is_closed_by_server());
    EXPECT_EQ(server.record->dispatched, 0);
}

INSTANTIATE_TEST_SUITE_P(Plain, Malformed,
                         testing::Combine(testing::ValuesIn(cases),
                                          testing::Values(tests::transport::plain)),
                         [](const auto& row) { return std::get<0>(row.param).name; });
INSTANTIATE_TEST_SUITE_P(Tls, Malformed,
                         testing::Combine(testing::ValuesIn(cases),
                                          testing::Values(tests::transport::tls)),
                         [](const auto& row) { return std::get<0>(row.param).name; });

} // namespace
} // namespace countersign::net
