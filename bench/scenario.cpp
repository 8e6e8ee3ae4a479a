#include "bench/scenario.hpp"

#include "bench/ceiling.hpp"
#include "tests/support/http_client.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace countersign::bench {

namespace json = boost::json;
using clock = std::chrono::steady_clock;

namespace {

// What a verification is answered with, in size.
constexpr std::string_view usual_reply =
    R"({"verified":true,"method":"totp","remainingBackupCodes":10})";
constexpr std::size_t service_key_size = 47; // of "csk_…"
constexpr std::size_t import_batch = 50'000; // lines of one request

tests::server_settings with_defaults(tests::server_settings settings) {
    settings.try_emplace("log.level", "warn");
    settings.try_emplace("redis.durability", "everysec");
    settings.try_emplace("mail.notifier", "false"); // alerts are queued; churn sends them
    settings.try_emplace("mail.outbox_max", "100000000");
    return settings;
}

std::string make_key(const options& how, const tests::server_process& server) {
    std::vector<std::string> words{how.program.string(), "key", "create", "--name=bench",
                                   "--scopes=verify,manage,sessions,import"};
    std::ranges::copy(server.data_options(), std::back_inserter(words));
    child_process made(std::move(words));
    auto key = made.read_all(30);
    key.erase(key.find_last_not_of('\n') + 1);
    return key;
}

} // namespace

void step(const std::string& words) {
    if (loads_interrupted()) throw std::runtime_error("interrupted");
    std::fprintf(stderr, "bench: %s\n", words.c_str());
}

std::chrono::milliseconds span_of(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1'000));
}

double rounded(double value) {
    if (value == 0 || !std::isfinite(value)) return 0;
    const auto digits = 3 - static_cast<int>(std::floor(std::log10(std::abs(value))));
    const auto scale = std::pow(10.0, std::max(digits, 0));
    return std::round(value * scale) / scale;
}

double series::median() const {
    if (values_.empty()) return 0;
    auto sorted = values_;
    std::ranges::sort(sorted);
    const auto middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

json::object series::json() const {
    if (values_.empty()) return {};
    const auto [least, most] = std::ranges::minmax(values_);
    return {{"median", rounded(median())}, {"min", rounded(least)}, {"max", rounded(most)}};
}

void load_figures::add(const load_result& result) {
    rate.add(result.rate());
    p50_ms.add(result.latency.quantile_ms(0.5));
    p99_ms.add(result.latency.quantile_ms(0.99));
    p999_ms.add(result.latency.quantile_ms(0.999));
    generator_us.add(result.each_us(result.generator_cpu_s));
    each_us_.resize(watched_.size());
    for (std::size_t at = 0; at < watched_.size(); ++at)
        each_us_[at].add(result.each_us(result.watched_cpu_s.at(at)));
    good += result.good;
    bad += result.bad();
    if (first_bad.empty()) first_bad = result.first_bad;
}

json::object load_figures::json() const {
    json::object out{{"rate_per_s", rate.json()},
                     {"p50_ms", p50_ms.json()},
                     {"p99_ms", p99_ms.json()},
                     {"p999_ms", p999_ms.json()},
                     {"generator_cpu_us", generator_us.json()},
                     {"good", good},
                     {"bad", bad}};
    for (std::size_t at = 0; at < each_us_.size(); ++at)
        out[watched_[at] + "_cpu_us"] = each_us_[at].json();
    if (bad > 0) out["first_bad"] = first_bad;
    return out;
}

product::product(const options& how, tests::server_settings settings)
    : product(how, std::move(settings), given_redis{}) {}

product::product(const options& how, tests::server_settings settings, given_redis redis)
    : given_(std::move(redis)),
      server_(how.program, with_defaults(std::move(settings)),
              given_.beside != nullptr ? given_.beside->server_.keys() : std::filesystem::path()),
      key_(given_.beside != nullptr ? given_.beside->key_ : make_key(how, server_)) {}

std::vector<pid_t> product::processes() const {
    if (given_.processes.empty()) return {server_.process(), server_.redis_process()};
    std::vector<pid_t> all{server_.process()};
    std::ranges::copy(given_.processes, std::back_inserter(all));
    return all;
}

std::filesystem::path product::redis_socket() const {
    return server_.data_dir() / "data" / "redis" / "redis.sock";
}

double product::import(std::size_t first, std::size_t count, const subject_shape& shape) {
    const auto begin = clock::now();
    for (std::size_t done = 0; done < count;) {
        step(fmt::format("importing subjects: {} of {}", done, count));
        const auto lines = std::min(import_batch, count - done);
        std::string body;
        for (std::size_t line = 0; line < lines; ++line)
            body += import_line(first + done + line, shape);
        tests::http_connection connection(server_.port(), "127.0.0.1", std::chrono::seconds(60));
        const auto reply = connection.request(
            "POST", "/api/service/v1/imports",
            {{"Authorization", "Bearer " + key_}, {"Content-Type", "application/x-ndjson"}}, body);
        if (reply.body.find(fmt::format("\"created\":{},", lines)) == std::string::npos)
            throw std::runtime_error("the import was answered with " +
                                     std::to_string(reply.status) + " " +
                                     reply.body.substr(0, 300));
        done += lines;
    }
    const auto rate =
        static_cast<double>(count) / std::chrono::duration<double>(clock::now() - begin).count();
    if (!std::filesystem::exists(redis_socket())) return rate; // it is given another Redis
    redis_client redis(redis_socket());
    const auto patience = clock::now() + std::chrono::seconds(60);
    while (redis.is_rewriting() && clock::now() < patience)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return rate;
}

load_result product::verify(code_supply& supply, load_options load) {
    const auto seconds = std::chrono::duration<double>(load.duration).count();
    // What is due beyond what it can do is not sent, and needs no code.
    const auto rate =
        load.rate_per_s > 0 ? std::min(load.rate_per_s, guessed_rate_ * 2) : guessed_rate_ * 1.4;
    const auto wanted = static_cast<std::size_t>(rate * seconds) + load.connections;
    verifications source(key_, supply.take(wanted, wanted * 7 / 10, seconds));
    load.port = port();
    load.watched = processes();
    const auto result = run_load(load, source);
    supply.give_back(source.codes().data() + source.used(), source.codes().size() - source.used());
    if (load.rate_per_s <= 0 && result.seconds > 0)
        guessed_rate_ = std::max(result.rate(), 1'000.0);
    return result;
}

ceiling_process::ceiling_process(std::size_t threads)
    : child_({"/proc/self/exe", "--serve-ceiling", std::to_string(threads)}) {
    const auto line = child_.read_line(10);
    std::from_chars(line.data(), line.data() + line.size(), port_);
}

std::string ceiling_process::request() {
    return verification_request(std::string(service_key_size, 'k'), subject_name(0), "123456");
}

int serve_ceiling(std::size_t threads) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    const ceiling server(threads, usual_reply.size());
    std::printf("%u\n", static_cast<unsigned>(server.port()));
    std::fflush(stdout);
    int which = 0;
    ::sigwait(&ends, &which);
    return 0;
}

redis_client::redis_client(const std::filesystem::path& socket)
    : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = socket.string();
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("the path is too long");
    std::ranges::copy(path, std::begin(address.sun_path));
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(descriptor_);
        throw std::runtime_error("no Redis answers on " + path);
    }
}

redis_client::~redis_client() {
    ::close(descriptor_);
}

std::string redis_client::pack(std::span<const std::string> words) {
    auto text = fmt::format("*{}\r\n", words.size());
    for (const auto& word : words)
        text += fmt::format("${}\r\n{}\r\n", word.size(), word);
    return text;
}

// One line, or one bulk string; no command that we send has another reply.
std::string redis_client::receive_reply() {
    for (;;) {
        const std::string_view rest = std::string_view(received_).substr(read_);
        const auto line = rest.find("\r\n");
        std::size_t size = line == std::string_view::npos ? 0 : line + 2;
        if (size > 0 && rest.front() == '$') {
            std::size_t length = 0;
            std::from_chars(rest.data() + 1, rest.data() + line, length);
            size = rest.size() >= size + length + 2 ? size + length + 2 : 0;
        }
        if (size > 0) {
            std::string reply(rest.substr(0, size));
            read_ += size;
            return reply;
        }
        received_.erase(0, read_);
        read_ = 0;
        std::array<char, 65'536> piece{};
        const auto count = ::recv(descriptor_, piece.data(), piece.size(), 0);
        if (count <= 0) throw std::runtime_error("Redis says nothing");
        received_.append(piece.data(), static_cast<std::size_t>(count));
    }
}

std::string redis_client::call(std::span<const std::string> words) {
    const auto text = pack(words);
    if (::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) < 0)
        throw std::runtime_error("Redis takes nothing");
    auto reply = receive_reply();
    if (reply.starts_with('-')) throw std::runtime_error("Redis refused: " + reply);
    return reply;
}

std::size_t redis_client::call_all(std::span<const std::string> commands, std::string_view good,
                                   std::size_t ahead_max) {
    std::size_t sent = 0, answered = 0, bad = 0;
    while (answered < commands.size()) {
        std::string batch;
        // Half of the window at a time, so that Redis always has some in hand.
        if (sent - answered <= ahead_max / 2)
            while (sent < commands.size() && sent - answered < ahead_max)
                batch += commands[sent++];
        if (!batch.empty() && ::send(descriptor_, batch.data(), batch.size(), MSG_NOSIGNAL) < 0)
            throw std::runtime_error("Redis takes nothing");
        bad += receive_reply() == good ? 0 : 1;
        ++answered;
    }
    return bad;
}

double redis_client::info(const std::string& section, std::string_view name) {
    const std::array<std::string, 2> words{"INFO", section};
    const auto text = call(words);
    const auto wanted = "\n" + std::string(name) + ":";
    const auto at = text.find(wanted);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + wanted.size(), 20));
}

double redis_client::used_memory() {
    return info("memory", "used_memory");
}

bool redis_client::is_rewriting() {
    return info("persistence", "aof_rewrite_in_progress") > 0 ||
           info("persistence", "aof_rewrite_scheduled") > 0;
}

} // namespace countersign::bench
