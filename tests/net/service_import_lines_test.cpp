// An import's body cut into lines, wherever its pieces are cut.
#include "net/families/service/import_lines.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace countersign::net::service {
namespace {

constexpr std::size_t size_max = 8;

// "3:text" for each line, "3!" for one that is too long.
std::vector<std::string> lines_of(const std::vector<std::string_view>& pieces) {
    import_lines lines(size_max);
    std::vector<std::string> found;
    const auto take_all = [&] {
        while (const auto line = lines.next())
            found.push_back(std::to_string(line->number) +
                            (line->too_long ? "!" : ":" + std::string(line->text)));
    };
    for (const auto piece : pieces) {
        lines.feed(piece);
        take_all();
    }
    lines.feed({});
    take_all();
    take_all();
    return found;
}

using expected = std::vector<std::string>;

TEST(ServiceImportLines, AreCutAtLineFeeds) {
    EXPECT_EQ(lines_of({"a\nbb\nccc\n"}), (expected{"1:a", "2:bb", "3:ccc"}));
    EXPECT_EQ(lines_of({"a\r\nbb\r\n"}), (expected{"1:a", "2:bb"}));
    EXPECT_EQ(lines_of({}), expected{});
    EXPECT_EQ(lines_of({"\n\r\n\n"}), expected{});
}

TEST(ServiceImportLines, LastOne_NeedsNoLineFeed) {
    EXPECT_EQ(lines_of({"a\nbb"}), (expected{"1:a", "2:bb"}));
    EXPECT_EQ(lines_of({"bb\r"}), (expected{"1:bb"}));
}

TEST(ServiceImportLines, EmptyOnes_AreCountedButNotGiven) {
    EXPECT_EQ(lines_of({"\na\n\n\r\nb\n"}), (expected{"2:a", "5:b"}));
}

TEST(ServiceImportLines, OfTheLargestSize_AreGivenAndOneByteMoreIsNot) {
    EXPECT_EQ(lines_of({"12345678\n12345678\r\n123456789\n123456789\r\n1\n"}),
              (expected{"1:12345678", "2:12345678", "3!", "4!", "5:1"}));
    EXPECT_EQ(lines_of({"123456789"}), (expected{"1!"}));
    EXPECT_EQ(lines_of({"12345678\r"}), (expected{"1:12345678"}));
}

TEST(ServiceImportLines, WhereverThePiecesAreCut_AreTheSame) {
    const std::string text = "ab\r\n\n12345678\n123456789\n\r\nxyz\r\n1234567890123456789\nend";
    const auto whole = lines_of({text});
    EXPECT_EQ(whole, (expected{"1:ab", "3:12345678", "4!", "6:xyz", "7!", "8:end"}));
    const std::string_view view = text;
    for (std::size_t first = 1; first < text.size(); ++first)
        for (std::size_t second = first; second < text.size(); ++second) {
            std::vector<std::string_view> pieces{view.substr(0, first)};
            if (second > first) pieces.push_back(view.substr(first, second - first));
            pieces.push_back(view.substr(second));
            EXPECT_EQ(lines_of(pieces), whole) << first << " " << second;
        }
    std::vector<std::string_view> bytes;
    for (std::size_t at = 0; at < text.size(); ++at)
        bytes.push_back(view.substr(at, 1));
    EXPECT_EQ(lines_of(bytes), whole);
}

TEST(ServiceImportLines, ALineWithoutEnd_IsNotKept) {
    import_lines lines(size_max);
    const std::string piece(64 * 1024, 'x');
    for (int count = 0; count < 1000; ++count) {
        lines.feed(piece);
        ASSERT_FALSE(lines.next());
    }
    lines.feed("\nab\n");
    auto line = lines.next();
    ASSERT_TRUE(line);
    EXPECT_TRUE(line->too_long);
    line = lines.next();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->text, "ab");
}

} // namespace
} // namespace countersign::net::service
