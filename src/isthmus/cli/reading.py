"""The manifests that a command line names, read and translated once, for the verbs that look without running."""

from __future__ import annotations

from isthmus.app.offline import Offline
from isthmus.app.settings import Settings
from isthmus.cli.options import Failure, standard_input
from isthmus.edge.files import FilesError


def read(settings: Settings, paths: tuple[str, ...]) -> Offline:
    """What is known about them; `paths` as they were given. Raises Failure where one does not exist."""
    try:
        return Offline(settings, standard_input(paths))
    except FilesError as error:
        raise Failure(str(error)) from None
