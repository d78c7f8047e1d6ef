"""Root causes: whose own symptom failed, and what gives way to what."""

from harness.judging.causes import CRASH, roots, suspects
from harness.judging.rule import Hit
from tests.judging.tiny import check, entry, graph, root_ids, set_aside, suspected

BRINGING = (check("a", brings="b"), check("b"), check("c"))
COMPLETED = check("job_completed")


def test_a_hit_whose_own_symptom_did_not_fail_is_no_cause():
    assert root_ids(graph(entry("x", "a")), "b", "x") == []


def test_two_independent_causes_are_both_root_causes():
    assert root_ids(graph(entry("x", "a"), entry("y", "b")), "ab", "x", "y") == ["x", "y"]
    assert root_ids(graph(entry("x", "a"), entry("y", "a")), "a", "x", "y") == ["x", "y"]


def test_a_cause_gives_way_to_one_that_it_follows_from_and_that_explains_as_much():
    the_graph = graph(entry("early", "a"), entry("late", "b", follows="early"), checks=BRINGING)
    assert root_ids(the_graph, "ab", "late", "early") == ["early"]
    assert set_aside(the_graph, "ab", "late", "early") == {"b": "a"}


def test_it_stays_where_the_other_explains_less():
    the_graph = graph(entry("early", "a"), entry("late", "ab", follows="early"))
    assert root_ids(the_graph, "ab", "late", "early") == ["late", "early"]


def test_it_stays_where_the_symptom_of_the_other_did_not_fail():
    the_graph = graph(entry("early", "a"), entry("late", "b", follows="early"))
    assert root_ids(the_graph, "b", "late", "early") == ["late"]


def test_causes_that_follow_from_each_other_both_stay():
    the_graph = graph(entry("x", "a", follows="y"), entry("y", "a", follows="x"))
    assert root_ids(the_graph, "a", "x", "y") == ["x", "y"]


def test_what_a_symptom_brings_about_is_set_aside_though_no_rule_speaks_of_it():
    assert set_aside(graph(entry("early", "a"), checks=BRINGING), "abc", "early") == {"b": "a"}


def test_what_comes_of_a_check_that_held_is_no_consequence():
    chain = (check("a", brings="b"), check("b", brings="c"), check("c"))
    assert set_aside(graph(entry("early", "a"), checks=chain), "ac", "early") == {}
    assert set_aside(graph(entry("early", "a"), checks=chain), "abc", "early") == {"b": "a", "c": "a"}


def test_a_symptom_of_one_cause_is_no_consequence_of_another():
    the_graph = graph(entry("early", "a"), entry("late", "b", follows="early"), entry("own", "b"))
    assert set_aside(the_graph, "ab", "early", "own") == {}


def test_a_hit_may_say_which_of_its_checks_it_makes_fail():
    narrow = Hit(id="x", observed=(), fails=("test_a",))
    assert [s.symptoms for s in suspected(graph(entry("x", "ab")), "ab", narrow)] == [{"test_x.py::test_a"}]
    assert suspected(graph(entry("x", "ab")), "b", narrow) == []


def test_an_info_is_never_a_cause_not_even_by_the_words_of_a_hit():
    assert root_ids(graph(entry("x", "a", severity="info")), "a", "x") == []
    kind = Hit(id="x", observed=(), severity="info")
    assert root_ids(graph(entry("x", "a")), "a", kind) == []


def test_a_warning_is_a_cause_of_what_no_error_makes_fail():
    the_graph = graph(entry("w", "ab", severity="warning"), entry("e", "a"))
    assert root_ids(the_graph, "a", "w", "e") == ["e"]
    assert root_ids(the_graph, "ab", "w", "e") == ["e", "w"]
    assert root_ids(the_graph, "a", "w") == ["w"]


def test_an_error_may_follow_from_a_warning_unless_it_ended_the_job():
    the_graph = graph(entry("w", "a", severity="warning"), entry("e", "b", follows="w"), checks=BRINGING)
    assert root_ids(the_graph, "ab", "w", "e") == ["w"]
    crash = entry("e", follows="w").model_copy(update={"fails": (CRASH,)})
    the_graph = graph(
        entry("w", "a", severity="warning"), crash, checks=(check("a", brings="job_completed"), COMPLETED)
    )
    failed = ["test_x.py::test_a", f"test_2_job.py::{CRASH}"]
    found = suspects([Hit(id="w", observed=()), Hit(id="e", observed=())], failed, the_graph)
    assert [s.hit.id for s in roots(found, the_graph)] == ["e", "w"]


def test_a_hit_that_quotes_the_traceback_says_why_the_script_crashed():
    the_graph = graph(entry("crash", "a"), entry("why", "a"), entry("other", "a"))
    crash = Hit(id="crash", observed=(), crash="OSError: no room")
    why = Hit(id="why", observed=("seen: OSError: no room",))
    other = Hit(id="other", observed=("OSError: something else",))
    assert root_ids(the_graph, "a", crash, why) == ["why"]
    assert root_ids(the_graph, "a", crash, other) == ["crash", "other"]


def test_what_a_check_brings_about_is_set_aside_though_no_cause_is_known():
    chain = graph(checks=(check("a", brings="b"), check("b", brings="c"), check("c")))
    assert set_aside(chain, "abc") == {"b": "a", "c": "a"}
    assert set_aside(chain, "bc") == {"c": "b"}
    assert set_aside(chain, "ac") == {}
