#include "invariants.h"

#include "bpmn/engine/records.h"

namespace consilium::simulation {
namespace {

using database::Rows;
using database::Transaction;

// A question to the data whose answer must be empty; each row's first column says what is wrong.
struct Rule {
  std::string_view name;
  Moment from;
  std::string_view sql;
};

// Substatus: 2 on-assignment, 3 assigned, 4 in-progress, 7 solved.
constexpr Rule kRules[] = {
    {"2: one open request a client, channel and kind", Moment::kDuring,
     "SELECT hex(reporter_user_id) FROM tasks_task WHERE is_open = 1 AND one_open = 1 GROUP BY reporter_user_id, channel_id, type, subtype "
     "HAVING count(*) > 1"},
    {"3: who has a task belongs to its group", Moment::kDuring,
     "SELECT number FROM tasks_task t WHERE type = 'client' AND substatus IN (3, 4) AND NOT EXISTS"
     " (SELECT 1 FROM tasks_person_group g WHERE g.user_id = t.assignee_user_id AND g.group_code = t.assignee_group)"},
    {"3: the groups of people are known as users has them", Moment::kQuiet,
     "SELECT hex(p.user_id) FROM tasks_person p WHERE p.active = 1 AND (SELECT group_concat(group_code) FROM (SELECT group_code FROM "
     "tasks_person_group WHERE user_id = p.user_id ORDER BY 1)) IS NOT (SELECT group_concat(group_code) FROM (SELECT group_code FROM "
     "users_membership WHERE user_id = p.user_id ORDER BY 1))"},
    {"3: a waiting task has a group only", Moment::kDuring,
     "SELECT number FROM tasks_task WHERE substatus = 2 AND (assignee_user_id IS NOT NULL OR assignee_group = '' OR queued_at IS NULL)"},
    {"4: the last row of the history is the state", Moment::kDuring,
     "SELECT t.number FROM tasks_task t LEFT JOIN tasks_history h ON h.task_id = t.id AND h.sequence ="
     " (SELECT max(sequence) FROM tasks_history WHERE task_id = t.id) WHERE h.substatus IS NOT t.substatus OR"
     " (t.is_open = 1 AND h.user_id IS NOT t.assignee_user_id)"},
    {"4: the history has no gap and an author in each row", Moment::kDuring,
     "SELECT hex(task_id) FROM tasks_history GROUP BY task_id HAVING count(*) <> max(sequence) OR min(sequence) <> 1 OR "
     "min(length(changed_by)) = 0"},
    {"4: each row follows from the one before by its transition", Moment::kDuring,
     "SELECT t.number || ' ' || h.sequence || ' ' || h.transition FROM tasks_history h JOIN tasks_task t ON t.id = h.task_id"
     " LEFT JOIN tasks_history b ON b.task_id = h.task_id AND b.sequence = h.sequence - 1 WHERE t.type = 'client' AND NOT ("
     " (h.transition = 'report' AND b.substatus IS NULL AND h.substatus = 1) OR (h.transition = 'enqueue' AND b.substatus = 1 AND "
     "h.substatus = 2) OR"
     " (h.transition = 'assign' AND b.substatus IN (1, 2, 3, 4) AND h.substatus = 3) OR (h.transition = 'start' AND b.substatus = 3 AND "
     "h.substatus = 4) OR"
     " (h.transition = 'return' AND b.substatus IN (3, 4) AND h.substatus = 2) OR (h.transition = 'solve' AND b.substatus IN (3, 4) AND "
     "h.substatus = 7) OR"
     " (h.transition = 'cancel' AND b.substatus IN (1, 2, 3, 4) AND h.substatus = 6))"},
    {"5: what is over is nobody's work", Moment::kDuring,
     "SELECT number FROM tasks_task WHERE is_open = 0 AND (queued_at IS NOT NULL OR answer_due_at IS NOT NULL OR closed_at IS NULL)"},
    {"5: supervisors are called to a case only while it waits", Moment::kDuring,
     "SELECT e.number || ' ' || t.number FROM tasks_task e JOIN tasks_task t ON t.process_instance = e.process_instance AND t.type = "
     "'client'"
     " WHERE e.type = 'staff' AND e.is_open = 1 AND t.queued_at IS NULL"},
    {"9: an ephemeral post is in one person's log only", Moment::kDuring,
     "SELECT hex(p.post_id) FROM chat_events e JOIN chat_posts p ON p.position = e.post WHERE p.recipient_id IS NOT NULL AND e.user_id <> "
     "p.recipient_id"},
    {"10: posts reach members only", Moment::kDuring,
     "SELECT hex(p.post_id) FROM chat_events e JOIN chat_posts p ON p.position = e.post WHERE NOT EXISTS"
     " (SELECT 1 FROM chat_members m WHERE m.channel_id = p.channel_id AND m.user_id = e.user_id)"},
    {"10: who works on a task alone may write, beside the client", Moment::kQuiet,
     "SELECT hex(m.user_id) FROM chat_members m JOIN chat_users u ON u.user_id = m.user_id WHERE u.kind = 2 AND m.ended = 0 AND m.access = "
     "1"},
    {"12: a post starts one process", Moment::kDuring,
     "SELECT idempotency_key FROM processes_instance WHERE idempotency_key <> '' GROUP BY process_id, idempotency_key HAVING count(*) > 1"},
    {"12: one notice, one result and one question for feedback a task", Moment::kDuring,
     "SELECT code || ' ' || json_extract(parameters, '$.taskId') FROM chat_posts WHERE code IN ('client.new-request', "
     "'client.task-solved', 'client.feedback')"
     " GROUP BY code, json_extract(parameters, '$.taskId') HAVING count(*) > 1"},
    {"12: introductions follow assignments", Moment::kDuring,
     "SELECT t.number FROM tasks_task t WHERE (SELECT count(*) FROM chat_posts p WHERE p.code = 'client.request-assigned' AND "
     "json_extract(p.parameters, '$.taskNum') = t.number) >"
     " (SELECT count(*) FROM tasks_history h WHERE h.task_id = t.id AND h.transition = 'assign')"},
    {"12: the numbers of each person's log have no gap", Moment::kDuring,
     "SELECT hex(l.user_id) FROM chat_logs l JOIN chat_events e ON e.user_id = l.user_id GROUP BY l.user_id HAVING count(*) <> "
     "l.last_sequence - l.trimmed_to OR max(e.sequence) <> l.last_sequence"},
    {"8: an active user exists in chat and in the identity provider", Moment::kDuring,
     "SELECT username FROM users_user u WHERE status = 'active' AND (NOT EXISTS (SELECT 1 FROM sessions_identity i WHERE i.user_id = u.id) "
     "OR"
     " (type IN ('client', 'consultant') AND NOT EXISTS (SELECT 1 FROM chat_users c WHERE c.user_id = u.id AND c.active = 1)))"},
    {"8: who was removed is nowhere", Moment::kAtTheEnd,
     "SELECT 'identity ' || hex(i.user_id) FROM sessions_identity i WHERE NOT EXISTS (SELECT 1 FROM users_user u WHERE u.id = i.user_id "
     "AND "
     "u.status <> 'deleted') UNION ALL SELECT 'chat ' || hex(c.user_id) FROM chat_users c WHERE c.active = 1 AND NOT EXISTS (SELECT 1 FROM "
     "users_user u WHERE u.id = c.user_id AND u.status <> 'deleted')"},
    {"12: no event is given up", Moment::kDuring,
     "SELECT consumer_group || ' ' || error_code FROM (SELECT consumer_group, error_code, dead FROM users_parked UNION ALL SELECT "
     "consumer_group, error_code, dead FROM sessions_parked"
     " UNION ALL SELECT consumer_group, error_code, dead FROM chat_parked UNION ALL SELECT consumer_group, error_code, dead FROM "
     "tasks_parked"
     " UNION ALL SELECT consumer_group, error_code, dead FROM processes_parked) WHERE dead = 1"},
    {"12: no event waits for a further try", Moment::kAtTheEnd,
     "SELECT consumer_group || ' ' || error_code FROM (SELECT consumer_group, error_code FROM users_parked UNION ALL SELECT "
     "consumer_group, error_code FROM sessions_parked"
     " UNION ALL SELECT consumer_group, error_code FROM chat_parked UNION ALL SELECT consumer_group, error_code FROM tasks_parked"
     " UNION ALL SELECT consumer_group, error_code FROM processes_parked)"},
    {"5: each case is over", Moment::kAtTheEnd, "SELECT number FROM tasks_task WHERE is_open = 1"},
    {"5: the process of a task is over, too", Moment::kAtTheEnd,
     "SELECT number FROM tasks_task t WHERE type = 'client' AND NOT EXISTS (SELECT 1 FROM processes_instance i WHERE i.key = "
     "t.process_instance)"},
    {"6: each question of a client had a process", Moment::kAtTheEnd,
     "SELECT hex(p.post_id) FROM chat_posts p JOIN chat_users u ON u.user_id = p.author_id WHERE u.kind = 1 AND NOT EXISTS"
     " (SELECT 1 FROM processes_instance i WHERE i.process_id = 'p-client-request' AND replace(i.idempotency_key, '-', '') = "
     "lower(hex(p.post_id)))"},
    {"7: who waits longest comes first", Moment::kAtTheEnd,
     // Of each assignment by the platform: nobody who asked earlier was waiting then, unless they had had that consultant.
     "WITH state AS (SELECT o.position, o.topic, t.id, t.number, t.assignee_group, t.reported_at, json_extract(o.payload, "
     "'$.task.assigneeUserId') AS user FROM tasks_outbox o JOIN tasks_task t ON lower(hex(t.id)) = replace(o.key, '-', '') WHERE t.type = "
     "'client' AND o.topic IN ('tasks.v1.queued', 'tasks.v1.assigned', 'tasks.v1.started', 'tasks.v1.solved', 'tasks.v1.cancelled'))"
     " SELECT a.number || ' before ' || w.number FROM state a JOIN state w ON w.topic = 'tasks.v1.queued' AND w.position < a.position"
     " AND w.assignee_group = a.assignee_group AND (w.reported_at, w.id) < (a.reported_at, a.id) WHERE a.topic = 'tasks.v1.assigned'"
     " AND NOT EXISTS (SELECT 1 FROM state l WHERE l.id = w.id AND l.position > w.position AND l.position < a.position)"
     " AND NOT EXISTS (SELECT 1 FROM state h WHERE h.id = w.id AND h.topic = 'tasks.v1.assigned' AND h.user = a.user AND h.position < "
     "a.position)"
     // Those by hand are not from the queue.
     " AND (SELECT p.topic FROM state p WHERE p.id = a.id AND p.position < a.position ORDER BY p.position DESC LIMIT 1) = "
     "'tasks.v1.queued'"},
    {"14: no text of people in events", Moment::kAtTheEnd,
     "SELECT topic FROM (SELECT topic, payload FROM chat_outbox UNION ALL SELECT topic, payload FROM tasks_outbox UNION ALL SELECT topic, "
     "payload FROM users_outbox UNION ALL SELECT topic, payload FROM sessions_outbox)"
     " WHERE instr(payload, 'knee hurts') + instr(payload, 'in the evening') + instr(payload, 'Passphrase') > 0"},
    {"14: no text of people in the journal", Moment::kAtTheEnd,
     "SELECT position FROM processes_journal WHERE instr(record, CAST('knee hurts' AS BLOB)) + instr(record, CAST('Passphrase' AS BLOB)) > "
     "0"},
    {"12: feedback counts as it was last given", Moment::kAtTheEnd,
     "SELECT t.number FROM chat_choices c JOIN chat_posts p ON p.position = c.post JOIN tasks_task t ON t.number = "
     "json_extract(p.parameters, '$.taskNum') WHERE"
     " t.feedback_answer IS NOT CASE c.action WHEN 'yes' THEN 1 WHEN 'partially' THEN 2 ELSE 3 END"},
    {"12: no feedback out of nothing", Moment::kAtTheEnd,
     "SELECT t.number FROM tasks_task t WHERE t.feedback_answer IS NOT NULL AND NOT EXISTS"
     " (SELECT 1 FROM chat_choices c JOIN chat_posts p ON p.position = c.post WHERE json_extract(p.parameters, '$.taskNum') = t.number)"},
};

// What each step says, by code, against how often the step was begun and done.
constexpr std::string_view kStepsSql =
    "SELECT * FROM (SELECT t.number || ' ' || s.code AS said,"
    " (SELECT count(*) FROM processes_element e WHERE e.instance = t.process_instance AND e.element_id = s.element AND e.completed = 1) AS "
    "done,"
    " (SELECT count(*) FROM processes_element e WHERE e.instance = t.process_instance AND e.element_id = s.element) AS begun,"
    " (SELECT count(*) FROM chat_posts p WHERE p.code = s.code AND json_extract(p.parameters, '$.taskNum') = t.number) AS posts"
    " FROM tasks_task t, (SELECT 'announce-assignment' AS element, 'client.request-assigned' AS code UNION ALL SELECT "
    "'announce-assignment', 'consultant.request-assigned'"
    " UNION ALL SELECT 'send-notice', 'client.no-consultant-available' UNION ALL SELECT 'escalate', 'client.request-escalated'"
    " UNION ALL SELECT 'announce-solution', 'client.task-solved' UNION ALL SELECT 'announce-solution', 'client.feedback') s WHERE t.type = "
    "'client')"
    " WHERE posts < done OR posts > begun";

using Findings = std::vector<std::string>;

std::string text_of(const database::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return "?";
}

Result<void> apply(Transaction& transaction, std::string_view name, std::string_view sql, Findings& findings) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query(sql));
  for (const database::Row& row : rows) findings.push_back(std::string(name) + ": " + text_of(row.at(0)));
  return {};
}

// 7: also while several assignments share one transaction. The limit is that of the run.
Result<void> check_limits(Transaction& transaction, std::int64_t limit, Findings& findings) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT assignee_name, count(*) FROM tasks_task WHERE is_open = 1 AND type = "
                                                      "'client' AND assignee_user_id IS NOT NULL GROUP BY assignee_user_id"));
  for (const database::Row& row : rows) {
    if (row.integer(1) > limit)
      findings.push_back("7: nobody has more tasks than allowed: " + row.text(0) + " has " + std::to_string(row.integer(1)));
  }
  return {};
}

Result<void> check_events(Transaction& transaction, const Page& person, const Uuid& id, Findings& findings) {
  ASSIGN_OR_RETURN(const auto last, transaction.query_one("SELECT last_sequence FROM chat_logs WHERE user_id = ?", id));
  const std::int64_t expected = last ? last->integer(0) - person.first_sequence() : 0;
  if (static_cast<std::int64_t>(person.events().size()) != expected) {
    findings.push_back("each event reaches the page once: " + person.name() + " got " + std::to_string(person.events().size()) + " of " +
                       std::to_string(expected));
  }
  return {};
}

Result<void> check_transitions(Transaction& transaction, const Page& person, const Uuid& id, Findings& findings) {
  std::map<std::pair<std::string, std::string>, std::int64_t> times;
  for (const AcknowledgedTransition& made : person.transitions()) ++times[{made.task_id, made.name}];
  for (const auto& [made, expected] : times) {
    const auto task = Uuid::parse(made.first);
    ASSIGN_OR_RETURN(
        const auto row,
        transaction.query_one("SELECT count(*) FROM tasks_history WHERE task_id = ? AND transition = ? AND changed_by_user_id = ?",
                              task.value_or(id), made.second, id));
    if (row->integer(0) < expected)
      findings.push_back("acknowledged: a transition is in the history: " + made.second + " by " + person.name() + ", found " +
                         std::to_string(row->integer(0)) + " of " + std::to_string(expected));
  }
  return {};
}

Result<void> check_presence(Transaction& transaction, const Page& person, const Uuid& id, Findings& findings) {
  if (!person.presence()) return {};
  static constexpr std::string_view kStatuses[] = {"", "online", "away", "dnd", "offline", "ooo"};
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT chosen FROM chat_presence WHERE user_id = ?", id));
  const std::string_view stored = row ? kStatuses[static_cast<std::size_t>(row->integer(0))] : "nothing";
  if (stored != *person.presence())
    findings.push_back("acknowledged: a presence is kept: " + person.name() + " chose " + *person.presence() + ", found " +
                       std::string(stored));
  return {};
}

Result<void> check_page(Transaction& transaction, const Page& person, Moment moment, Findings& findings) {
  const auto id = Uuid::parse(person.user_id());
  if (!id) return {};
  for (const AcknowledgedPost& post : person.acknowledged()) {
    ASSIGN_OR_RETURN(const Rows rows,
                     transaction.query("SELECT post_id FROM chat_posts WHERE author_id = ? AND dedup_key = ?", *id, post.client_id));
    if (rows.size() != 1 || rows[0].uuid(0).text() != post.post_id)
      findings.push_back("acknowledged: a post is there once: " + post.client_id + ", found " + std::to_string(rows.size()));
  }
  for (const std::string& seen : person.seen_posts()) {
    const auto post_id = Uuid::parse(seen);
    if (!post_id) continue;
    ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT recipient_id FROM chat_posts WHERE post_id = ?", *post_id));
    if (!row) findings.push_back("what was shown stays: post " + seen + " seen by " + person.name());
    if (row && row->optional_uuid(0).value_or(*id) != *id)
      findings.push_back("9: " + person.name() + " was shown the post " + seen + " of another");
  }
  TRY(check_transitions(transaction, person, *id, findings));
  TRY(check_presence(transaction, person, *id, findings));
  if (moment == Moment::kQuiet) TRY(check_events(transaction, person, *id, findings));
  for (const auto& [post, action] : person.pressed()) {
    if (action.empty()) continue;
    ASSIGN_OR_RETURN(
        const auto row,
        transaction.query_one(
            "SELECT c.action FROM chat_choices c JOIN chat_posts p ON p.position = c.post WHERE p.post_id = ? AND c.user_id = ?",
            *Uuid::parse(post), *id));
    if (!row || row->text(0) != action) findings.push_back("acknowledged: a choice is kept: " + person.name() + " chose " + action);
  }
  return {};
}

Result<Findings> look(Transaction& transaction, const Pages& pages, Moment moment, std::int64_t limit) {
  Findings findings;
  for (const Rule& rule : kRules) {
    if (moment < rule.from) continue;
    TRY(apply(transaction, rule.name, rule.sql, findings));
  }
  if (moment == Moment::kAtTheEnd)
    TRY(apply(transaction, "12: each step of a process that ended had its effect once", kStepsSql, findings));
  TRY(check_limits(transaction, limit, findings));
  for (const Page* page : pages) TRY(check_page(transaction, *page, moment, findings));
  return findings;
}

runtime::Context context_on(Cluster& cluster) {
  runtime::Context context(cluster.main(), cluster.random());
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "simulation";
  return context;
}

Task<Result<Findings>> ask_database(Cluster* cluster, const Pages* pages, Moment moment) {
  runtime::Context context = context_on(*cluster);
  const std::int64_t limit = cluster->task_limit();
  auto findings = co_await cluster->store().privileged().read(
      context, [&](Transaction& transaction) { return look(transaction, *pages, moment, limit); });
  co_return findings;
}

// A job whose worker was lost so often in a row is an incident, for it might be why. When it was the crashes, an operator has it tried again.
bool is_of_crashes(const Cluster& cluster, const process::Incident& incident) {
  return incident.job_key != 0 && incident.message.starts_with("process.job-lost") && cluster.crashes() >= bpmn::engine::kMaxLosses;
}

Task<Result<void>> try_again(Cluster* cluster, process::Key job) {
  runtime::Context context = context_on(*cluster);
  auto tried = co_await cluster->platform().engine().retry_job(context, job, 3);
  co_return tried;
}

Task<Result<process::IncidentPage>> ask_incidents(Cluster* cluster) {
  runtime::Context context = context_on(*cluster);
  auto incidents = co_await cluster->platform().engine().incidents(context, 0, 200);
  co_return incidents;
}

Task<Result<Rows>> ask_rows(Cluster* cluster, std::string sql) {
  runtime::Context context = context_on(*cluster);
  auto rows = co_await cluster->store().privileged().read(context, [&](Transaction& transaction) { return transaction.query(sql); });
  co_return rows;
}

Task<Result<std::int64_t>> ask_running(Cluster* cluster) {
  runtime::Context context = context_on(*cluster);
  process::InstanceFilter filter;
  filter.process_id = "p-client-request";
  filter.state = process::InstanceState::kActive;
  filter.limit = 200;
  auto running = co_await cluster->platform().engine().instances(context, std::move(filter));
  if (!running) co_return fail(std::move(running).error());
  co_return static_cast<std::int64_t>(running->items.size());
}

}  // namespace

namespace {

// 13: what one loop of the edge says of a session, all say; and one that was given is usable.
void check_sessions(Cluster& cluster, const Pages& pages) {
  for (const Page* person : pages) {
    if (person->cookie().empty()) continue;
    const std::vector<int> statuses = cluster.session_statuses(person->cookie());
    if (cluster.is_lost() || cluster.is_excused()) return;
    for (const int status : statuses) {
      if (status == 429 || status == 503) return;
      if (status != 200) cluster.blame("invariant 13: the session of " + person->name() + " is answered with " + std::to_string(status));
    }
    cluster.count("sessions checked");
  }
}

}  // namespace

void check_invariants(Cluster& cluster, const Pages& pages, Moment moment) {
  cluster.count("invariants checked");
  const auto findings = cluster.ask(ask_database(&cluster, &pages, moment));
  if (!findings) return;  // the power went
  if (!*findings && cluster.is_excused()) return cluster.count("invariants not readable");
  if (!*findings) return cluster.blame("the invariants cannot be checked: " + findings->error().describe());
  for (const std::string& finding : **findings) cluster.blame("invariant " + finding);
  if (moment != Moment::kAtTheEnd) check_sessions(cluster, pages);
  if (cluster.is_lost()) return;
  const auto incidents = cluster.ask(ask_incidents(&cluster));
  if (!incidents || !*incidents) return;
  for (const process::Incident& incident : (*incidents)->items) {
    if (is_of_crashes(cluster, incident)) {
      cluster.count("job tried again that crashes had lost");
      (void)cluster.ask(try_again(&cluster, incident.job_key));  // asked again in the next look, if the power went
      continue;
    }
    cluster.blame("invariant 6: incident at " + incident.process_id + "#" + incident.element_id + " " + incident.error_type + ": " +
                  incident.message);
  }
}

void count_coverage(Cluster& cluster) {
  constexpr std::string_view kSql =
      "SELECT 'transition ' || t.type || '/' || t.subtype || ' ' || h.transition, count(*) FROM tasks_history h JOIN tasks_task t ON t.id "
      "= "
      "h.task_id GROUP BY 1 UNION ALL"
      " SELECT 'element ' || i.process_id || '#' || e.element_id, count(*) FROM processes_element e JOIN processes_instance i ON i.key = "
      "e.instance GROUP BY 1 UNION ALL"
      " SELECT 'post ' || code, count(*) FROM chat_posts WHERE code IS NOT NULL GROUP BY 1 UNION ALL SELECT 'post of people', count(*) "
      "FROM chat_posts WHERE dedup_key IS NOT NULL AND code IS NULL"
      " ORDER BY 1";
  const auto rows = cluster.ask(ask_rows(&cluster, std::string(kSql)));
  if (!rows || !*rows) return;
  for (const database::Row& row : **rows) cluster.count(row.text(0), static_cast<std::uint64_t>(row.integer(1)));
}

std::int64_t number_in(Cluster& cluster, std::string sql) {
  const auto rows = cluster.ask(ask_rows(&cluster, std::move(sql)));
  return rows && *rows ? (**rows)[0].integer(0) : -1;
}

std::int64_t open_tasks(Cluster& cluster) { return number_in(cluster, "SELECT count(*) FROM tasks_task WHERE is_open = 1"); }

std::int64_t running_instances(Cluster& cluster) {
  const auto running = cluster.ask(ask_running(&cluster));
  return running && *running ? **running : -1;
}

}  // namespace consilium::simulation
