#include "net/families_dispatcher.hpp"

#include <utility>
#include <variant>

namespace countersign::net {

families_dispatcher::families_dispatcher(std::vector<std::unique_ptr<family>> families,
                                         std::vector<page> pages,
                                         std::function<boost::asio::awaitable<void>()> on_stop)
    : families_(std::move(families)), pages_(std::move(pages)), on_stop_(std::move(on_stop)) {
    for (const auto& family : families_) {
        const auto routes = family->routes();
        for (std::size_t index = 0; index < routes.size(); ++index) {
            keys_.push_back(routes[index]);
            destinations_.push_back({family.get(), index});
        }
    }
    for (std::size_t index = 0; index < pages_.size(); ++index) {
        keys_.push_back(pages_[index].key);
        destinations_.push_back({nullptr, index});
    }
    router_ = std::make_unique<router>(keys_);
}

family& families_dispatcher::family_of(std::string_view path) const {
    for (const auto& family : families_)
        if (family->owns(path)) return *family;
    return *families_.front();
}

std::optional<std::size_t> families_dispatcher::accept_head(request& head) {
    const auto found = router_->find(head.method, head.path);
    if (const auto* match = std::get_if<router::match>(&found))
        if (head.set_path_parameters(match->segments())) head.route = match->route;
    return std::nullopt;
}

boost::asio::awaitable<reply> families_dispatcher::dispatch(const request& value) {
    if (value.route != request::no_route) {
        const auto& [to_family, index] = destinations_[value.route];
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
