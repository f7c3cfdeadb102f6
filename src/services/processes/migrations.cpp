#include "services/processes/migrations.h"

#include "ports/bus/tables.h"

namespace consilium::processes {

std::vector<database::Migration> bus_migrations() { return {{1, "create_bus_tables", bus::bus_tables_sql("processes")}}; }

}  // namespace consilium::processes
