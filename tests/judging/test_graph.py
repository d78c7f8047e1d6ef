"""The graph: what a cause may follow from, and which checks may fail or mean nothing because of it."""

from tests.judging.tiny import check, entry, graph


def test_origins_are_found_through_others_and_by_patterns():
    found = graph(entry("net-dns"), entry("init", follows="net-*"), entry("crash", follows="init")).origins
    assert found["crash"] == {"init", "net-dns"}
    assert found["init"] == {"net-dns"}
    assert found["net-dns"] == frozenset()


def test_a_cause_is_no_origin_of_itself():
    assert graph(entry("net-dns", follows="net-*"), entry("net-tls")).origins["net-dns"] == {"net-tls"}


def test_consequences_are_its_symptoms_those_of_its_followers_and_what_needs_them():
    chain = (check("a"), check("b"), check("c", "b"), check("d"))
    the_graph = graph(entry("early", "a"), entry("late", "b", follows="early"), entry("other", "d"), checks=chain)
    assert the_graph.consequences["early"] == {"test_a", "test_b", "test_c"}
    assert the_graph.consequences["late"] == {"test_b", "test_c"}
    assert the_graph.consequences["other"] == {"test_d"}


def test_a_symptom_of_one_parameter_has_the_consequences_of_the_check():
    one = entry("x").model_copy(update={"fails": ("test_a[loss]",)})
    assert graph(one, checks=(check("a"), check("b", "a"))).consequences["x"] == {"test_a", "test_b"}
