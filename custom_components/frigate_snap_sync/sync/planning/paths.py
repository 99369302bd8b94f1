"""What the files of an item are called at each destination."""

from datetime import tzinfo
import logging

from ...storage.names import clean_path
from ..model.destination_setup import DestinationSetup
from ..model.item import Item
from ..model.naming import default_name, name_values

_LOGGER = logging.getLogger(__name__)


class ItemPaths:
    """Renders the owners' templates; one that fails costs no file."""

    def __init__(self, time_zone: tzinfo) -> None:
        """Keep the time zone of the names."""
        self._time_zone = time_zone
        self._failing_templates: set[str] = set()

    def forget_failures(self) -> None:
        """Log again which templates fail: the destinations have changed."""
        self._failing_templates.clear()

    def of(self, destination: DestinationSetup, item: Item) -> str:
        """Return the path of an item's file at a destination.

        A template that fails must not cost a file: the default name is used.
        """
        values = name_values(item, self._time_zone)
        if destination.render is not None:
            try:
                return clean_path(destination.render(values), values.extension)
            except ValueError as err:
                if destination.id not in self._failing_templates:
                    _LOGGER.warning(
                        "The file name template of %s failed, "
                        "default names are used instead: %s",
                        destination.name,
                        err,
                    )
                self._failing_templates.add(destination.id)
        return default_name(item, values)
