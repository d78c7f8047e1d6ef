"""Evidence holds nothing that nobody reads."""

from lab.unread_fields import unread


def test_every_field_of_evidence_is_read_by_a_rule_a_check_or_the_report():
    assert unread() == []
