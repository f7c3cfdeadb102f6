"""A platform in the middle of its work, and for each call what a caller there could send: what no generator finds by itself."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from dead_letters_test import change, give_up, operate  # noqa: E402
from page import Page  # noqa: E402
from server import PASSWORD, Person, expect  # noqa: E402
from split_test import Case, until  # noqa: E402

SUPERVISOR = "vera.office"
NEW_PASSWORD = "another-long-password"


def token_of(link):
    return link.strip().rsplit("#", 1)[1]


def add_supervisor(server, admin):
    code, link, said = operate(server, "user", "add", SUPERVISOR, "--role", "supervisor", "--first-name", "Vera", "--last-name", "Office")
    expect(code == 0, f"user add: {said}")
    admin.call("POST", "/passwords", {"token": token_of(link), "password": PASSWORD})
    return Person(server.address, SUPERVISOR)


def person_body(kind, number):
    name = {"firstName": "Ivy", "lastName": "Lane"}
    if kind == "clients":
        return {**name, "sex": "f", "birthDate": "1990-02-03", "phone": f"+1555020{number:04}"}
    return {**name, "email": f"ivy{number}@example.org", "groups": ["consultant-med" if kind == "consultants" else "doctor-dentist"]}


def add_client(admin, number):
    made = admin.call("POST", "/users/clients", person_body("clients", number))
    return until("the client is active", lambda: (lambda user: user if user["status"] == "active" else None)(admin.call("GET", f"/users/{made['id']}")))


def stuck_process(server, admin):
    """Nobody can be added to the chat for a while: the process of a new person stands still."""
    change(server, "CREATE TRIGGER chat_breaks BEFORE INSERT ON chat_users BEGIN SELECT RAISE(ABORT, 'broken'); END")
    admin.call("POST", "/users/clients", person_body("clients", 900))
    incident = until("the process stands still", lambda: admin.call("GET", "/incidents")["items"])[0]
    change(server, "DROP TRIGGER chat_breaks")
    return incident


# One job of the platform, which fails without `userId` and has one attempt; `task` is the id of its element.
def failing_model(task="tidy"):
    return f"""<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:zeebe='http://camunda.org/schema/zeebe/1.0' id='d' targetNamespace='test'>
<process id='p-tidy' name='Tidy up' isExecutable='true'><startEvent id='start'/><sequenceFlow id='a' sourceRef='start' targetRef='{task}'/>
<serviceTask id='{task}' name='Tidy'><extensionElements><zeebe:taskDefinition type='st-delete-chat-user' retries='1'/></extensionElements></serviceTask>
<sequenceFlow id='b' sourceRef='{task}' targetRef='end'/><endEvent id='end'/></process></definitions>"""


DECISION = """<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/' id='discounts' name='Discounts' namespace='test'>
<decision id='discount' name='Discount'><literalExpression><text>if years &gt; 3 then 10 else 0</text></literalExpression></decision></definitions>"""


def process_examples(admin):
    """A model of two versions, and an instance that stands still for each call that changes one."""
    deploy = lambda task: admin.call("POST", "/processes/models", {"files": [{"name": "tidy.bpmn", "xml": failing_model(task)}]})["items"][0]  # noqa: E731
    deploy("tidy")
    stuck = [admin.call("POST", "/processes/instances", {"processId": "p-tidy", "variables": {"number": number}})["key"] for number in range(5)]
    target = deploy("tidy-all")
    admin.call("POST", "/processes/models", {"files": [{"name": "discount.dmn", "xml": DECISION}]})
    decision = admin.call("GET", "/processes/decisions")["items"][0]
    until("all stand still", lambda: all(admin.call("GET", f"/processes/instances/{key}")["hasIncident"] for key in stuck))
    seen = [admin.call("GET", f"/processes/instances/{key}") for key in stuck]
    path = [{"key": key} for key in stuck]
    return {
        "processesDeployModels": [{"body": {"files": [{"name": "tidy.bpmn", "xml": failing_model("tidy-more")}]}}],
        "processesGetModel": [{"path": {"key": target["key"]}}],
        "processesStartInstance": [{"body": {"processId": "p-tidy", "variables": {"number": 7}}}],
        "processesListElements": [{"path": path[0]}],
        "processesCountElements": [{"path": path[0]}],
        "processesGetDecision": [{"path": {"key": decision["key"]}}],
        "processesCancelInstance": [{"path": path[0], "body": {}}],
        "processesSetVariables": [{"path": path[1], "body": {"variables": {"number": 8}}}],
        "processesModifyInstance": [{"path": path[2], "body": {"begin": [{"elementId": "end"}], "end": [seen[2]["active"][0]["elementInstanceKey"]]}}],
        "processesMigrateInstances": [{"body": {"targetKey": target["key"], "instanceKeys": [stuck[3]], "mapping": [{"from": "tidy", "to": "tidy-all"}]}}],
        "processesRetryJob": [{"path": {"key": seen[4]["active"][0]["job"]["key"]}, "body": {}}],
    }


def assigned_request(server, client, consultant):
    """A request that its consultant has not begun; their page stays open as long as the caller keeps it."""
    page = Page(consultant)
    until("the consultant is online", lambda: consultant.call("PUT", "/users/me/presence", {"status": "online"})["effective"] == "online")
    channel = client.call("GET", "/channels")["items"][0]["id"]
    client.call("POST", f"/channels/{channel}/posts", {"text": "Zqz, is that bad?", "clientId": "prepared-1"})
    task = until("the task is assigned", lambda: next((item for item in consultant.call("GET", f"/tasks?reporterUserId={client.user_id}")["items"]
                                                      if item["substatus"] == "assigned"), None))
    return task, page


def version_of(reader, path):
    return {"If-Match": f'"{reader.call("GET", path)["version"]}"'}


def prepare(server):
    """Examples by operation id. Each person is changed by one of them at most, so that its version stays true."""
    server.edge = server
    admin = until("the administrator logs in", lambda: Person(server.address, "admin"))
    supervisor = add_supervisor(server, admin)
    case = Case(server)
    case.ask()
    case.wait_for_assignment()
    case.answer()
    case.make("start", "in-progress")
    case.conclude()
    asked = next(post for post in case.posts() if post.get("code") == "client.feedback")
    anna, clara, elena = (Person(server.address, name) for name in ("anna", "clara", "elena"))
    open_task, page = assigned_request(server, anna, clara)
    letter = give_up(server, admin, elena.user_id)
    change(server, "DROP TRIGGER tasks_breaks")
    incident = stuck_process(server, admin)
    fresh = [add_client(admin, number) for number in range(1, 6)]
    admin.call("POST", f"/users/{fresh[1]['id']}/lock")
    boris = case.client
    other = Person(server.address, "boris")
    sessions = {one["id"] for one in boris.call("GET", "/sessions")["items"]}
    device = other.call("GET", "/sessions/current")["sessionId"]
    expect(device in sessions, "the other device is not listed")
    refresh = other.call("POST", "/sessions", {"username": "david", "password": PASSWORD}, {"Accept-Session": "bearer"})["refreshToken"]
    link = admin.call("POST", f"/users/{fresh[3]['id']}/password-link")["token"]
    task, channel, me = {"id": case.task["id"]}, {"id": case.channel}, {"id": boris.user_id}
    examples = {
        "chatGetChannel": [{"path": channel}],
        "chatListPosts": [{"path": channel}],
        "chatCreatePost": [{"path": channel, "body": {"text": "Zqw, thanks."}}],
        "chatMarkRead": [{"path": channel, "body": {"postId": asked["id"]}}],
        "chatPressAction": [{"path": {"id": asked["id"], "actionId": "partially"}, "body": {"token": next(one["token"] for one in asked["actions"] if one["id"] == "partially"), "text": "Zqv"}}],
        "chatSetPresence": [{"body": {"status": "away"}}],
        "eventsReplayDeadLetter": [{"path": {"id": letter["id"]}, "body": {}}],
        "processesGetInstance": [{"path": {"key": incident["instanceKey"]}}],
        "processesResolveIncident": [{"path": {"key": incident["key"]}, "body": {}}],
        "sessionsLogin": [{"body": {"username": "anna", "password": PASSWORD}}],
        "sessionsRefresh": [{"body": {"refreshToken": refresh}}],
        "sessionsSetPassword": [{"body": {"token": link, "password": NEW_PASSWORD}}],
        "sessionsChangePassword": [{"body": {"currentPassword": PASSWORD, "newPassword": PASSWORD}}],
        "sessionsEndSession": [{"path": {"id": device}}],
        "sessionsCreateOneTimeLink": [{"path": {"userId": fresh[4]["id"]}, "body": {}}],
        "tasksCreateTask": [{"body": {"type": {"type": "staff", "subtype": "escalation"}, "reporterUserId": supervisor.user_id, "title": "Zqu"}}],
        "tasksGetTask": [{"path": task}],
        "tasksListTransitions": [{"path": task}],
        "tasksGetHistory": [{"path": task}],
        "tasksGetFeedback": [{"path": task}],
        "tasksMakeTransition": [{"path": {"id": open_task["id"], "transition": "start"}, "body": {}}],
        "tasksSetAssignee": [{"path": {"id": open_task["id"]}, "headers": version_of(supervisor, f"/tasks/{open_task['id']}"), "body": {"userId": clara.user_id}}],
        "usersGetUser": [{"path": me}],
        "usersCreateClient": [{"body": person_body("clients", 800)}],
        "usersCreateConsultant": [{"body": person_body("consultants", 801)}],
        "usersCreateExpert": [{"body": person_body("experts", 802)}],
        "usersChangeProfile": [{"path": me, "headers": version_of(boris, "/users/me"), "body": {"firstName": "Boris"}}],
        "usersChangeGroups": [{"path": {"id": elena.user_id}, "headers": version_of(admin, f"/users/{elena.user_id}"), "body": {"groups": ["doctor-dentist"]}}],
        "usersLockUser": [{"path": {"id": fresh[2]["id"]}, "body": {}}],
        "usersUnlockUser": [{"path": {"id": fresh[1]["id"]}, "body": {}}],
    }
    examples |= process_examples(admin)
    page.close()
    time.sleep(0.2)
    return examples
