"""The two tables of the kinds of destinations."""

from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.kinds import KINDS

from .flow_texts import english


def test_each_kind_has_its_rows() -> None:
    """One in each table, and texts for its forms; each under its own key."""
    assert set(KINDS) == set(FLOWS) == set(english()["config_subentries"])
    assert all(kind.key == key for key, kind in KINDS.items())


def test_secrets_of_credentials_are_private() -> None:
    """What a repair asks for, and where and as whom, is in no diagnostics."""
    for kind in KINDS.values():
        if (credentials := kind.credentials) is not None:
            asked = {*credentials.fields({}), credentials.server, credentials.account}
            assert asked <= kind.private
