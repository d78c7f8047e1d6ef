"""The graph: what a cause may follow from, and which checks it accounts for."""

from tests.judging.tiny import check, entry, graph


def test_origins_are_found_through_others_and_by_patterns():
    found = graph(entry("net-dns"), entry("init", follows="net-*"), entry("crash", follows="init")).origins
    assert found["crash"] == {"init", "net-dns"}
    assert found["init"] == {"net-dns"}
    assert found["net-dns"] == frozenset()


def test_a_cause_is_no_origin_of_itself():
    assert graph(entry("net-dns", follows="net-*"), entry("net-tls")).origins["net-dns"] == {"net-tls"}


def test_a_cause_accounts_for_its_symptoms_what_needs_them_and_what_they_bring_about():
    chain = (check("a", brings="d"), check("b"), check("c", "a"), check("d"), check("e", "d"))
    the_graph = graph(entry("x", "a"), entry("y", "b"), checks=chain)
    assert the_graph.accounts_for("x") == {"test_a", "test_c", "test_d", "test_e"}
    assert the_graph.accounts_for("y") == {"test_b"}


def test_what_is_merely_brought_about_counts_where_it_failed():
    chain = (check("a", brings="b"), check("b"), check("c", "b"))
    the_graph = graph(checks=chain)
    assert the_graph.downstream(["test_a"], failed=["test_a"]) == {"test_a"}
    assert the_graph.downstream(["test_a"], failed=["test_a", "test_b"]) == {"test_a", "test_b", "test_c"}


def test_a_symptom_of_one_parameter_has_the_consequences_of_the_check():
    one = entry("x").model_copy(update={"fails": ("test_a[loss]",)})
    assert graph(one, checks=(check("a"), check("b", "a"))).accounts_for("x") == {"test_a", "test_b"}
