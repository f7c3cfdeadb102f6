#include "app/incident_report.h"

namespace consilium::app {

// Not their messages: those may quote what people wrote.
void IncidentReport::tell(const runtime::Context& context, std::span<const process::Incident> open) {
  std::set<process::Key> keys;
  for (const process::Incident& incident : open) {
    keys.insert(incident.key);
    if (told_.contains(incident.key)) continue;
    logger_.error(context, "A process stands still until somebody helps",
                  {{"incident", incident.key},
                   {"processInstance", incident.instance_key},
                   {"process", incident.process_id},
                   {"element", incident.element_id},
                   {"type", incident.error_type}});
  }
  told_ = std::move(keys);
}

}  // namespace consilium::app
