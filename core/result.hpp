// Expected failures as values: boost::system::result over a module's own error enumeration.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>

namespace countersign::core {

// What result<T, E>::value() and operator* do where there is no value: the caller did not look, and
// that is a bug. Found by the namespace of E; another folder writes
// `using core::throw_exception_from_error;` beside its enumerations.
template <typename E>
    requires std::is_enum_v<E>
[[noreturn]] void throw_exception_from_error(const E& error, const boost::source_location& where) {
    throw std::logic_error("a result without a value was read as if it had one: error " +
                           std::to_string(static_cast<long long>(error)) + " at " +
                           where.to_string());
}

} // namespace countersign::core
