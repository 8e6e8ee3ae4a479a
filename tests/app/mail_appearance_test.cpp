// The operator's own templates, as the program reads them.
#include "app/mail_appearance.hpp"

#include "tests/app/temporary_directory.hpp"
#include "tests/support/program_run.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace countersign::app {
namespace {

constexpr std::string_view small_page =
    "<html lang=\"{{language}}\" dir=\"{{direction}}\"><h2>{{heading}}</h2>{{content}}{{closing}}";

class MailAppearance : public ::testing::Test {
protected:
    MailAppearance() {
        std::filesystem::create_directory(templates);
        all.mail.templates = templates.string();
    }
    void write(const std::string& name, std::string_view text) {
        std::filesystem::create_directories((templates / name).parent_path());
        directory.write("templates/" + name, text);
    }
    std::string fault() const {
        const auto read = read_mail_theme(all);
        return read ? "" : read.error().sentence;
    }
    std::string fault_of(const std::string& name, std::string_view text) {
        write(name, text);
        return fault();
    }

    tests::temporary_directory directory;
    std::filesystem::path templates = directory.path() / "templates";
    settings all;
};

TEST_F(MailAppearance, FilesOfTheDirectory_AreTaken) {
    write("mail.html", small_page);
    write("mail.txt", "{{heading}}{{content}}{{closing}}");
    write("catalogues/de.json", R"({"greeting_anonymous":"Moin,"})");
    write("catalogues/.de.json.swp", "\x01");
    write(".git/config", "x");
    const auto read = read_mail_theme(all);
    ASSERT_TRUE(read) << read.error().sentence;
    EXPECT_EQ(read->texts().text("de", "greeting_anonymous", {}), "Moin,");
    EXPECT_EQ(read->texts().text("en", "greeting_anonymous", {}), "Hello,");
    EXPECT_TRUE(read->html({}).starts_with("<html lang=\"\" dir=\"ltr\"><h2></h2>"));
}

TEST_F(MailAppearance, WithoutADirectory_IsTheBuiltInOne) {
    all.mail.templates.clear();
    const auto read = read_mail_theme(all);
    ASSERT_TRUE(read) << read.error().sentence;
    EXPECT_NE(read->html({}).find("<p class=\"logo\">Countersign</p>"), std::string::npos);
    all.mail.logo_text = "Shop";
    EXPECT_NE(read_mail_theme(all)->html({}).find("<p class=\"logo\">Shop</p>"), std::string::npos);
}

TEST_F(MailAppearance, WhatCannotBeRead_IsNamed) {
    all.mail.templates = "/nowhere";
    EXPECT_EQ(fault(), "mail.templates: cannot read the directory /nowhere: No such file or "
                       "directory");
    all.mail.templates = directory.write("file", "x").string();
    EXPECT_TRUE(fault().ends_with(": Not a directory")) << fault();
    all.mail.templates = templates.string();
    std::filesystem::create_directory(templates / "mail.html");
    EXPECT_EQ(fault(),
              "mail.templates: " + (templates / "mail.html").string() + " is not a regular file");
}

TEST_F(MailAppearance, AFileThatIsTooLarge_IsRefused) {
    EXPECT_EQ(fault_of("mail.html", std::string(small_page) + std::string(100 * 1024, ' ')),
              "mail.templates: " + (templates / "mail.html").string() +
                  " is larger than 102400 bytes");
}

TEST_F(MailAppearance, AFaultInAFile_NamesTheSettingTheFileAndTheLine) {
    EXPECT_EQ(fault_of("mail.html", std::string(small_page) + "\n<script>"),
              "mail.templates: " + (templates / "mail.html").string() +
                  ": line 2: <script> has no place in a mail: remove it");
    write("mail.html", small_page);
    EXPECT_TRUE(fault_of("catalogues/de.json", R"({"greting":"x"})")
                    .starts_with("mail.templates: " + (templates / "catalogues/de.json").string() +
                                 ": `greting` is no "
                                 "key"))
        << fault();
}

TEST_F(MailAppearance, EveryCommandThatMakesMails_EndsWithExitCode2) {
    write("mail.html", "{{heading");
    const std::vector<std::vector<std::string>> commands{
        {"serve"}, {"notify"}, {"config", "check"}, {"mail", "test", "ada@example.org"}};
    for (auto words : commands) {
        SCOPED_TRACE(words.front());
        words.push_back("--data_dir=" + (directory.path() / "data").string());
        words.push_back("--mail.templates=" + templates.string());
        tests::program_run run(COUNTERSIGN_PROGRAM, words);
        const auto ended = run.wait();
        EXPECT_EQ(ended.status, 2);
        EXPECT_EQ(ended.out, "");
        EXPECT_EQ(ended.errors,
                  "countersign: mail.templates: " + (templates / "mail.html").string() +
                      ": line 1: a {{ is not closed: end the placeholder with }}\n");
    }
    // Nothing was begun, and what makes no mails does not care.
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "data"));
    tests::program_run keys(COUNTERSIGN_PROGRAM,
                            {"key", "list", "--redis.durability=everysec",
                             "--data_dir=" + (directory.path() / "data").string(),
                             "--mail.templates=" + templates.string()});
    EXPECT_EQ(keys.wait().status, 0);
}

} // namespace
} // namespace countersign::app
