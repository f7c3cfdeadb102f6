#include "app/incident_report.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "runtime/log_sink.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::app {
namespace {

process::Incident incident(process::Key key) {
  process::Incident out;
  out.key = key;
  out.instance_key = 7;
  out.process_id = "p-client-request";
  out.element_id = "st-create-task";
  out.error_type = "JOB_NO_RETRIES";
  out.message = "what a client wrote";
  return out;
}

class IncidentReportTest : public ::testing::Test {
 protected:
  void tell(const std::vector<process::Incident>& open) { report_.tell(context_, open); }
  std::size_t lines() const { return sink_->lines().size(); }

  runtime::SimulatedWorld world_{1};
  SeededRandom random_{1};
  runtime::Context context_{world_.add_loop("loop"), random_};
  std::shared_ptr<runtime::MemorySink> sink_ = std::make_shared<runtime::MemorySink>(runtime::LogFormat::kJson);
  runtime::Log log_{runtime::LogOptions{.level = runtime::LogLevel::kInfo, .levels = {}, .instance = "", .clock = {}, .synchronous = true},
                    {sink_}};
  IncidentReport report_{runtime::Logger(log_, "platform", "health")};
};

TEST_F(IncidentReportTest, SaysWhereWithoutAWordOfWhatPeopleWrote) {
  tell({incident(11)});
  ASSERT_EQ(lines(), 1U);
  const std::string line = sink_->lines().back();
  for (const char* part :
       {R"("level":"error")", R"("incident":11)", R"("processInstance":7)", "p-client-request", "st-create-task", "JOB_NO_RETRIES"})
    EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
  EXPECT_EQ(line.find("what a client wrote"), std::string::npos);
}

TEST_F(IncidentReportTest, TellsEachOnce) {
  tell({incident(11)});
  tell({incident(11)});
  EXPECT_EQ(lines(), 1U);
  tell({incident(13), incident(12), incident(11)});
  ASSERT_EQ(lines(), 3U);
  EXPECT_NE(sink_->lines().back().find(R"("incident":13)"), std::string::npos) << "in their order";
  tell({incident(12)});
  tell({});
  tell({incident(12), incident(10)});
  EXPECT_EQ(lines(), 3U) << "an older one is not new when those before it are gone";
}

}  // namespace
}  // namespace consilium::app
