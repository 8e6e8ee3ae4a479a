#include "net/families_dispatcher.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace countersign::net {
namespace {

body_plan body_of(const family& owner, std::size_t route) {
    if (!owner.streams_body(route)) return {};
    return {.how = body_plan::delivery::streamed};
}

} // namespace

families_dispatcher::families_dispatcher(std::vector<std::unique_ptr<family>> families,
                                         std::vector<page> pages,
                                         std::function<boost::asio::awaitable<void>()> on_stop)
    : pages_(std::move(pages)), on_stop_(std::move(on_stop)), families_(std::move(families)) {
    for (const auto& family : families_) {
        const auto routes = family->routes();
        for (std::size_t index = 0; index < routes.size(); ++index)
            add(routes[index], {family.get(), index, body_of(*family, index)});
    }
    for (std::size_t index = 0; index < pages_.size(); ++index)
        add(pages_[index].key, {nullptr, index, {}});
    router_ = std::make_unique<router>(keys_);
}

void families_dispatcher::add(const route_key& key, destination where) {
    const bool taken = std::ranges::any_of(keys_, [&](const route_key& other) {
        return other.method == key.method && other.pattern == key.pattern;
    });
    if (taken) return;
    keys_.push_back(key);
    destinations_.push_back(where);
}

family& families_dispatcher::family_of(std::string_view path) const {
    auto* closest = families_.front().get();
    std::size_t longest = 0;
    for (const auto& family : families_)
        for (const auto prefix : family->prefixes())
            if (prefix.size() > longest && path.starts_with(prefix)) {
                longest = prefix.size();
                closest = family.get();
            }
    return *closest;
}

body_plan families_dispatcher::accept_head(request& head) {
    const auto found = router_->find(head.method, head.path);
    const auto* match = std::get_if<router::match>(&found);
    if (match == nullptr || !head.set_path_parameters(match->segments())) return {};
    head.route = match->route;
    return destinations_[match->route].body;
}

boost::asio::awaitable<reply> families_dispatcher::dispatch(const request& value) {
    if (value.route != request::no_route) {
        const auto& [to_family, index, body] = destinations_[value.route];
        if (to_family != nullptr) co_return co_await to_family->handle(index, value);
        co_return pages_[index].show(value);
    }
    auto& family = family_of(value.path);
    const auto found = router_->find(value.method, value.path);
    if (const auto* wrong_method = std::get_if<router::method_not_allowed>(&found))
        co_return family.method_not_allowed(value, wrong_method->allow);
    co_return family.not_found(value);
}

reply families_dispatcher::problem(transport_problem problem, std::string_view,
                                   std::string_view target, std::string_view detail) {
    return family_of(target).problem(problem, target, detail);
}

boost::asio::awaitable<void> families_dispatcher::stop() {
    return on_stop_();
}

} // namespace countersign::net
