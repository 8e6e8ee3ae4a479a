#include "app/families.hpp"

#include "net/families/clara/family.hpp"
#include "net/families/service/family.hpp"
#include "net/families/singularity/family.hpp"
#include "net/families/slugbase/family.hpp"

namespace countersign::app {

std::vector<std::unique_ptr<net::family>>
make_families(net::services& services, store::service_keys& keys, const settings& all) {
    std::vector<std::unique_ptr<net::family>> families;
    for (const auto wanted : all.families) {
        switch (wanted) {
        case api_family::singularity:
            families.push_back(std::make_unique<net::singularity::singularity_family>(services));
            break;
        case api_family::slugbase:
            families.push_back(std::make_unique<net::slugbase::slugbase_family>(services));
            break;
        case api_family::clara:
            families.push_back(std::make_unique<net::clara::clara_family>(
                services,
                net::clara::clara_keys{
                    .public_key = all.clara.public_key,
                    .private_key = all.clara.private_key ? &*all.clara.private_key : nullptr},
                COUNTERSIGN_VERSION));
            break;
        case api_family::service:
            families.push_back(std::make_unique<net::service::service_family>(services, keys));
            break;
        }
    }
    return families;
}

} // namespace countersign::app
