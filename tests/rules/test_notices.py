from adapterctl.records.policy import People, Team
from adapterctl.rules.audit.notices import News, notices
from adapterctl.rules.audit.upkeep import left
from adapterctl.rules.findings import Finding
from support.registries import TODAY


def found(*owners: str) -> News:
    finding = Finding(
        code="OWN001", severity="medium", subject="adapter:a@1", message="m", owners=[*owners]
    )
    return News(finding, "new")


TEAMS = People(
    teams={"red": Team(notify=["json://red", "env:RED"]), "blue": Team(), "green": Team(notify=["x://g"])}
)  # fmt: skip


def told(*news: News, people: People = TEAMS):
    said = notices(news, people, otherwise="json://all")
    return [(one.address, one.team, [each.finding.owners for each in one.news]) for one in said]


def test_each_team_is_told_its_own_at_each_of_its_places():
    assert told(found("red")) == [("json://red", "red", [["red"]]), ("env:RED", "red", [["red"]])]


def test_who_covers_for_a_team_is_told_too():
    assert told(found("red", "green"))[2] == ("x://g", "green", [["red", "green"]])


def test_what_no_team_is_told_goes_to_the_one_place_for_all():
    rest = [["blue"], [], ["stranger"]]
    assert told(found("blue"), found(), found("stranger")) == [("json://all", None, rest)]
    assert told(found("blue", "green")) == [("x://g", "green", [["blue", "green"]])]


def test_without_any_place_of_a_team_everything_goes_there():
    assert told(found("red"), people=People()) == [("json://all", None, [["red"]])]


def test_nobody_is_told_nothing():
    assert told() == []


def test_a_place_is_named_without_its_address():
    (first, second) = notices([found("red")], TEAMS, otherwise="json://all")
    assert first.place == "registry/people.yaml: teams.red.notify[0]"
    assert second.place == "registry/people.yaml: teams.red.notify[1]"
    (rest,) = notices([found()], TEAMS, otherwise="json://secret@host")
    assert rest.place == "--notify"


def test_a_team_that_only_states_where_it_is_told_has_not_left():
    gone = {"blue"}
    assert set(left(TEAMS, today=TODAY)) == gone
