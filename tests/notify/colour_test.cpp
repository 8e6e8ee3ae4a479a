#include "notify/colour.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using notify::colour;

TEST(Colour, IsReadAndWrittenAsSixDigits) {
    ASSERT_TRUE(colour::parse("#1F5fbf"));
    EXPECT_EQ(*colour::parse("#1F5fbf"), (colour{0x1f, 0x5f, 0xbf}));
    EXPECT_EQ((colour{0x1f, 0x5f, 0x0b}).text(), "#1f5f0b");
    for (const auto* wrong :
         {"", "#", "1f5fbf", "#1f5fb", "#1f5fbff", "#1f5fbg", "#1f5fb ", "blue"})
        EXPECT_FALSE(colour::parse(wrong)) << wrong;
}

TEST(Colour, Contrast_IsThatOfWcag) {
    EXPECT_NEAR(contrast(notify::black, notify::white), 21.0, 1e-9);
    EXPECT_NEAR(contrast(notify::white, notify::white), 1.0, 1e-9);
    // Pairs that are known from the guidelines' own examples: the border of what passes on white.
    EXPECT_NEAR(contrast(*colour::parse("#767676"), notify::white), 4.54, 0.01);
    EXPECT_NEAR(contrast(notify::white, *colour::parse("#777777")), 4.48, 0.01);
    EXPECT_NEAR(contrast(*colour::parse("#0000ff"), notify::white), 8.59, 0.01);
}

TEST(Colour, TextOnAnyColour_CanBeRead) {
    for (int red = 0; red < 256; red += 15)
        for (int green = 0; green < 256; green += 15)
            for (int blue = 0; blue < 256; blue += 15) {
                const colour background{static_cast<std::uint8_t>(red),
                                        static_cast<std::uint8_t>(green),
                                        static_cast<std::uint8_t>(blue)};
                EXPECT_GE(contrast(text_colour_on(background), background),
                          notify::text_contrast_min)
                    << background.text();
            }
    EXPECT_EQ(text_colour_on(*colour::parse("#1f5fbf")), notify::white);
    EXPECT_EQ(text_colour_on(*colour::parse("#ffcc00")), notify::black);
}

TEST(Colour, AButtonOnADarkCard_StandsOut) {
    const colour card{0x1e, 0x23, 0x2b};
    for (const auto* text : {"#000000", "#1f5fbf", "#5b0000", "#1e232b", "#ffcc00"}) {
        const auto value = *colour::parse(text);
        EXPECT_GE(contrast(lightened_over(card, value), card), notify::shape_contrast_min) << text;
    }
    EXPECT_EQ(lightened_over(card, *colour::parse("#ffcc00")), *colour::parse("#ffcc00"));
}

} // namespace
} // namespace countersign::tests
