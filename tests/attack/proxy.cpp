#include "tests/attack/proxy.hpp"

#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace countersign::tests {

namespace {

constexpr std::chrono::seconds ready_patience{10};

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The document's block of that language, as an operator copies it.
std::string documented(std::string_view language) {
    const auto text =
        read_file(std::filesystem::path(COUNTERSIGN_SOURCE_DIR) / "docs/operations.md");
    const auto fence = "```" + std::string(language) + "\n";
    const auto begin = text.find(fence);
    if (begin == std::string::npos)
        throw std::runtime_error("docs/operations.md has no " + std::string(language));
    const auto first = begin + fence.size();
    return text.substr(first, text.find("```", first) - first);
}

void replace(std::string& text, std::string_view what, std::string_view with) {
    const auto at = text.find(what);
    if (at == std::string::npos)
        throw std::runtime_error("the documented configuration has no " + std::string(what));
    text.replace(at, what.size(), with);
}

std::string without_lines_with(const std::string& text, std::string_view words) {
    std::istringstream lines(text);
    std::string kept;
    for (std::string line; std::getline(lines, line);)
        if (line.find(words) == std::string::npos) kept += line + '\n';
    return kept;
}

// The site as documented, but for its ports and TLS: what is sent must reach the proxy as it is.
std::string nginx_configuration(const std::filesystem::path& folder, std::uint16_t port,
                                std::uint16_t upstream) {
    auto site = without_lines_with(documented("nginx"), "ssl_certificate");
    replace(site, "127.0.0.1:8080", "127.0.0.1:" + std::to_string(upstream));
    replace(site, "listen 443 ssl", "listen 127.0.0.1:" + std::to_string(port));
    const auto path = [&folder](const char* name) { return (folder / name).string(); };
    std::string all = "daemon off;\nmaster_process off;\npid " + path("pid") + ";\nerror_log " +
                      path("errors") +
                      ";\nevents {}\nhttp {\n"
                      "log_format passed '$upstream_status|$remote_port|$request';\n"
                      "access_log " +
                      path("log") + " passed;\n";
    for (const auto* temporary : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        all += std::string(temporary) + "_temp_path " + path(temporary) + ";\n";
    return all + site + "}\n";
}

std::string haproxy_configuration(std::uint16_t port, std::uint16_t upstream) {
    auto site = documented("haproxy");
    replace(site, "bind :443 ssl crt /etc/countersign/both.pem",
            "bind 127.0.0.1:" + std::to_string(port));
    replace(site, "127.0.0.1:8080", "127.0.0.1:" + std::to_string(upstream));
    // %s is the server, "<NOSRV>" if none was chosen.
    replace(site, "frontend id\n",
            "frontend id\n    log stdout format raw local0\n    log-format \"%s|%cp|%r\"\n");
    return site;
}

bool passed_on_line(proxy_kind kind, std::string_view line) {
    const auto before = line.substr(0, line.find('|'));
    return kind == proxy_kind::nginx ? before.find_first_of("0123456789") != std::string_view::npos
                                     : before == "countersign";
}

} // namespace

std::uint16_t unused_port() {
    static unsigned drawn = 0;
    for (;;) {
        // Below what the kernel gives to outgoing connections, and beside what servers take.
        const auto port = static_cast<std::uint16_t>(
            12'000 + (static_cast<unsigned>(::getpid()) * 17 + drawn++ * 311) % 8'000);
        const int made = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool taken =
            ::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
        ::close(made);
        if (!taken) return port;
    }
}

proxy::proxy(proxy_kind kind, std::uint16_t upstream) : kind_(kind), port_(unused_port()) {
    auto pattern = (std::filesystem::temp_directory_path() / "countersign-proxy-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("no temporary directory can be made");
    folder_ = pattern;
    start(kind == proxy_kind::nginx ? nginx_configuration(folder_, port_, upstream)
                                    : haproxy_configuration(port_, upstream));
}

proxy::~proxy() {
    if (process_ != 0) {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void proxy::start(const std::string& configuration) {
    const auto file = (folder_ / "configuration").string();
    std::ofstream(file) << configuration;
    const auto errors = (folder_ / "errors").string();
    std::vector<std::string> words =
        kind_ == proxy_kind::nginx
            ? std::vector<std::string>{"nginx", "-p", folder_.string(), "-e", errors, "-c", file}
            : std::vector<std::string>{"haproxy", "-db", "-f", file};
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    // Debian has them where only root's PATH leads.
    const auto path = std::string("/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin");
    std::string program;
    for (std::istringstream folders(path); std::getline(folders, program, ':');) {
        program += "/" + words.front();
        if (::access(program.c_str(), X_OK) == 0) break;
    }
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, errors.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    const auto output = (folder_ / (kind_ == proxy_kind::nginx ? "output" : "log")).string();
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int failed =
        ::posix_spawn(&process_, program.c_str(), &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::runtime_error("cannot start " + words.front());

    for (const auto deadline = std::chrono::steady_clock::now() + ready_patience;;) {
        try {
            if (http_request(port_, "GET", "/health/ready").status == 200) return;
        } catch (const std::runtime_error&) {
            // Not listening yet.
        }
        const bool ended = ::waitpid(process_, nullptr, WNOHANG) == process_;
        if (!ended && std::chrono::steady_clock::now() > deadline) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
        }
        if (ended || std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error(words.front() + " did not start:\n" + read_file(errors));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

std::size_t proxy::passed_on(std::string_view words) const {
    std::istringstream lines(log());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);)
        count += passed_on_line(kind_, line) && line.find(words) != std::string::npos;
    return count;
}

std::size_t proxy::requests_from(std::uint16_t port) const {
    const auto field = "|" + std::to_string(port) + "|";
    std::istringstream lines(log());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);)
        count += line.find(field) == line.find('|');
    return count;
}

std::string proxy::log() const {
    return read_file(folder_ / "log");
}

} // namespace countersign::tests
