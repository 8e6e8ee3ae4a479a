#include "core/crypto/secret.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <ostream>
#include <type_traits>

namespace countersign::core {
namespace {

template <typename T>
concept printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!printable<secret_string> && !printable<secret_bytes> && !printable<secret_key>);
static_assert(!std::is_copy_constructible_v<secret_string>);
static_assert(!std::is_copy_assignable_v<secret_string>);
static_assert(std::is_nothrow_move_constructible_v<secret_string>);
static_assert(std::is_nothrow_move_assignable_v<secret_string>);
static_assert(!std::is_convertible_v<std::string, secret_string>);
static_assert(!std::is_convertible_v<secret_string, std::string>);

template <typename T>
struct alignas(T) storage {
    std::array<unsigned char, sizeof(T)> bytes{};

    [[nodiscard]] bool contains(unsigned char wanted) const {
        return std::ranges::count(bytes, wanted) > 0;
    }
};

TEST(Secret, TextInTheSmallBuffer_IsWipedOnDestruction) {
    storage<secret_string> memory;
    auto* const value = new (memory.bytes.data()) secret_string(std::string(12, '\xa7'));
    ASSERT_TRUE(memory.contains(0xa7));

    std::destroy_at(value);

    EXPECT_FALSE(memory.contains(0xa7));
}

TEST(Secret, Array_IsWipedOnDestruction) {
    storage<secret_key> memory;
    std::array<std::byte, 32> key{};
    key.fill(std::byte{0xa7});
    auto* const value = new (memory.bytes.data()) secret_key(std::move(key));
    ASSERT_TRUE(memory.contains(0xa7));

    std::destroy_at(value);

    EXPECT_FALSE(memory.contains(0xa7));
}

TEST(Secret, ObjectMovedFrom_KeepsNothing) {
    storage<secret_string> memory;
    auto* const value = new (memory.bytes.data()) secret_string(std::string(12, '\xa7'));

    const secret_string taken(std::move(*value));

    EXPECT_EQ(taken.reveal(), std::string(12, '\xa7'));
    EXPECT_FALSE(memory.contains(0xa7));
    std::destroy_at(value);
}

TEST(Secret, ArrayMovedFrom_KeepsNothing) {
    std::array<std::byte, 4> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    secret<std::array<std::byte, 4>> from(std::move(bytes));

    const auto to = std::move(from);

    EXPECT_EQ(from.reveal(), (std::array<std::byte, 4>{})); // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(bytes, (std::array<std::byte, 4>{}));         // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(to.reveal()[3], std::byte{4});
}

TEST(Secret, ObjectAssignedOver_KeepsNothingOfTheOldValue) {
    storage<secret_string> memory;
    auto* const value = new (memory.bytes.data()) secret_string(std::string(12, '\xa7'));

    *value = secret_string(std::string("new"));

    EXPECT_EQ(value->reveal(), "new");
    EXPECT_FALSE(memory.contains(0xa7));
    std::destroy_at(value);
}

TEST(Secret, MoveToItself_KeepsTheValue) {
    secret_string value(std::string("kept"));
    secret_string& same = value;

    value = std::move(same);

    EXPECT_EQ(value.reveal(), "kept"); // NOLINT(bugprone-use-after-move)
}

TEST(Secret, StringHandedIn_IsEmptiedToo) {
    std::string source = "short";

    const secret_string value(std::move(source));

    EXPECT_EQ(source, ""); // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(std::ranges::count(std::string_view(source.data(), 5), '\0'), 5);
}

TEST(Secret, WipeOfAString_CoversItsWholeCapacity) {
    std::string text(100, 'x');
    const char* const buffer = text.data();
    text.resize(3);

    wipe(text);

    EXPECT_TRUE(text.empty());
    ASSERT_GE(text.capacity(), 100U);
    EXPECT_EQ(std::count(buffer, buffer + 100, '\0'), 100);
}

TEST(Secret, WipeOfAVector_CoversItsWholeCapacity) {
    std::vector<std::byte> bytes(100, std::byte{0xa7});
    const std::byte* const buffer = bytes.data();
    bytes.resize(3);

    wipe(bytes);

    EXPECT_TRUE(bytes.empty());
    ASSERT_GE(bytes.capacity(), 100U);
    EXPECT_EQ(std::count(buffer, buffer + 100, std::byte{}), 100);
}

TEST(Secret, Clone_IsEqualAndIndependent) {
    secret_string first(std::string("value"));
    const secret_string second = first.clone();
    EXPECT_TRUE(first == second);

    first = secret_string(std::string("other"));

    EXPECT_FALSE(first == second);
    EXPECT_EQ(second.reveal(), "value");
}

TEST(Secret, Equality_ComparesContentAndLength) {
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
    EXPECT_FALSE(equal_in_constant_time("abc", ""));
    EXPECT_FALSE(equal_in_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

} // namespace
} // namespace countersign::core
