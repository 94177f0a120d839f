"""Help that lists options in groups, for verbs that have many.

Rule: an option stands in the group that names it; those that no group names come last, so that none is hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

Groups = Sequence[tuple[str, str]]  # a heading and the long names of options, in the order of the help


class GroupedCommand(click.Command):
    """A command whose `groups` say how its help is laid out."""

    groups: Groups = ()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        records = {each.opts[-1]: record for each in options if (record := each.get_help_record(ctx))}
        for heading, names in self.groups:
            with formatter.section(heading):
                formatter.write_dl([records.pop(name) for name in names.split() if name in records])
        if records:
            with formatter.section("Other options"):
                formatter.write_dl(list(records.values()))
