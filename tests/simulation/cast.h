// The people of a run, made through the platform's own services.
#pragma once

#include "cluster.h"

namespace consilium::simulation {

runtime::Context service_context(Cluster* cluster);

// The people of the demonstration and a third client, carla; may be called again after a crash.
Task<Result<void>> add_people(Cluster* cluster);
// Clients `NAME-1` … `NAME-count`.
Task<Result<void>> add_clients(Cluster* cluster, std::string name, int count);

}  // namespace consilium::simulation
