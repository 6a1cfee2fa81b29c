"""The commands of ``python -m ledger``. A module has NAME, ``add_arguments(parser)``, ``async run(options)``."""

from types import ModuleType

from ledger.commands import bench, export, inclusion, prove, seal

COMMANDS: tuple[ModuleType, ...] = (prove, seal, inclusion, bench, export)
