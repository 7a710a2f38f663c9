"""`python -m backend`: the engine alone, from the command line.

Commands: serve, networks, migrate, verify, ledger export, backup, restore. Exit 0 on success, 1
when a check failed, 2 on wrong use, 3 when something needed is missing or taken (one line says what
to do). Data goes to stdout, words to stderr. Imports what a command needs only when it runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.domain.pan import MaskingFilter
from backend.runtime.errors import BackendError, UsageError

SUCCESS, FAILED, WRONG_USE, MISSING = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if chosen.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(MaskingFilter())
    try:
        code: int = chosen.run(chosen)
    except BackendError as error:
        sys.stderr.write(f"python -m backend: {error}\n")
        return MISSING
    return code


def _serve(chosen: argparse.Namespace) -> int:
    from backend import api

    try:
        settings = api.settings_from(
            os.environ,
            data_dir=chosen.data_dir,
            host=chosen.host,
            port=chosen.port,
            database_url=chosen.database_url,
            redis_url=chosen.redis_url,
            cache_preset=chosen.cache_preset,
            cache_slots=chosen.cache_slot,
            cache_bytes=chosen.cache_bytes,
            seed=chosen.seed,
            profile=chosen.profile,
            exit_when_idle=chosen.exit_when_idle,
            allow_non_loopback=chosen.allow_non_loopback,
            networks_dir=chosen.networks_dir,
            daily_snapshots=chosen.daily_snapshots,
        )
    except UsageError as error:
        sys.stderr.write(f"python -m backend serve: {error}\n")
        return WRONG_USE
    api.serve(settings)
    return SUCCESS


def _networks(chosen: argparse.Namespace) -> int:
    from backend import api

    settings = api.settings_from(
        os.environ, data_dir=chosen.data_dir, seed=chosen.seed, profile=chosen.profile
    )
    api.serve_networks(settings)
    return SUCCESS


def _migrate(chosen: argparse.Namespace) -> int:
    from backend import api

    before = api.migrate(_folder(chosen))
    body = {"revision": api.schema_revision(), "before": before, "changed": before is not None}
    if chosen.json:
        sys.stdout.write(json.dumps(body) + "\n")
    else:
        sys.stdout.write(f"schema at {body['revision']} (was {before or 'the same'})\n")
    return SUCCESS


def _verify(chosen: argparse.Namespace) -> int:
    from backend import api

    report = api.verify(_folder(chosen))
    if chosen.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        for check in report["checks"]:
            sign = "ok    " if check["ok"] else "BROKEN"
            sys.stdout.write(f"{sign} {check['name']}: {check['detail']}\n")
    return SUCCESS if report["ok"] else FAILED


def _ledger_export(chosen: argparse.Namespace) -> int:
    from backend import api

    if chosen.out is None:
        try:
            api.export_ledger(_folder(chosen), sys.stdout.write)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SUCCESS
    try:
        with chosen.out.open("w", encoding="utf-8") as file:
            lines = api.export_ledger(_folder(chosen), file.write)
    except OSError as error:
        sys.stderr.write(f"python -m backend ledger export: {error}\n")
        return MISSING
    sys.stderr.write(f"{lines} lines in {chosen.out}\n")
    return SUCCESS


def _backup(chosen: argparse.Namespace) -> int:
    from backend import api

    made = api.take_backup(_folder(chosen), chosen.directory)
    if chosen.json:
        sys.stdout.write(json.dumps(made) + "\n")
    else:
        state = "every invariant holds" if made["verified"] else "BROKEN: run verify on it"
        sys.stdout.write(f"{chosen.directory}: {state}\n")
    return SUCCESS if made["verified"] else FAILED


def _restore(chosen: argparse.Namespace) -> int:
    from backend import api

    done = api.put_back(chosen.directory, _folder(chosen))
    if chosen.json:
        sys.stdout.write(json.dumps(done) + "\n")
    else:
        kept = f"; what was there is in {done['kept']}" if done["kept"] else ""
        sys.stdout.write(f"{chosen.directory} is back{kept}\n")
    return SUCCESS


def _folder(chosen: argparse.Namespace) -> Path:
    from backend.settings import chosen_data_dir

    return chosen_data_dir(chosen.data_dir, os.environ)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m backend",
        description="Tap Lab's engine: payments, wallet side and simulated card networks.",
        epilog="example: python -m backend serve --data-dir /tmp/lab --port 8800",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    networks = commands.add_parser(
        "networks",
        help="only the network hosts",
        description="Run the simulated card networks alone; prints their addresses as one line.",
        epilog="example: python -m backend networks --data-dir /tmp/hosts, then "
        "python -m backend serve --networks-dir /tmp/hosts",
    )
    _common(networks, _networks)
    _simulation(networks)
    migrate = commands.add_parser(
        "migrate",
        help="bring the schema to head",
        description="Bring the data folder's database to the newest schema.",
        epilog="example: python -m backend migrate --data-dir /tmp/lab --json",
    )
    _common(migrate, _migrate)
    migrate.add_argument("--json", action="store_true", help="one JSON document on stdout")
    verify = commands.add_parser(
        "verify",
        help="check every invariant of the stored data",
        description="Check ledger, holds, idempotency and outbox; exit 1 names what is broken.",
        epilog="example: python -m backend verify --data-dir /tmp/lab --json",
    )
    _common(verify, _verify)
    verify.add_argument("--json", action="store_true", help="one JSON document on stdout")
    _add_ledger(commands)
    _add_backups(commands)
    return parser


def _add_ledger(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    ledger = commands.add_parser(
        "ledger",
        help="export the journal",
        description="The journal of every payment, batch and payout, for other programs.",
        epilog="example: python -m backend ledger export --data-dir /tmp/lab | hledger -f - check",
    )
    export = ledger.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "export",
        help="write the journal as text",
        description="Write the journal as hledger reads it.",
        epilog="example: python -m backend ledger export --data-dir /tmp/lab --out lab.journal, "
        "then hledger -f lab.journal balance",
    )
    _common(export, _ledger_export)
    export.add_argument(
        "--format", choices=("hledger",), default="hledger", help="(default %(default)s)"
    )
    export.add_argument("--out", type=Path, help="file to write (default: stdout)")


def _add_backups(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    backup = commands.add_parser(
        "backup",
        help="copy the data while the engine runs, and check the copy",
        description="Copy the data folder's databases and key record into a new folder; an engine "
        "may be running. Exit 1 when the copy breaks an invariant.",
        epilog="example: python -m backend backup /tmp/friday --data-dir /tmp/lab",
    )
    restore = commands.add_parser(
        "restore",
        help="put a backup back",
        description="Replace the data folder's databases by a backup's, after checking every file "
        "and every invariant. What was there is kept beside it. No engine may run. The phone's "
        "secure element is no part of a backup.",
        epilog="example: python -m backend restore /tmp/friday --data-dir /tmp/lab",
    )
    for parser, run, words in (
        (backup, _backup, "folder to make"),
        (restore, _restore, "folder that `backup` made, or one of `snapshots`"),
    ):
        parser.add_argument("directory", type=Path, help=words)
        _common(parser, run)
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="run the engine",
        description='Run the engine; prints {"url": …, "pid": …} as one line when it is ready.',
        epilog="example: python -m backend serve --port 8800 --seed 7 --profile instant",
    )
    _common(serve, _serve)
    _simulation(serve)
    add = serve.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=0, help="port to listen on (default: a free one)")
    add("--database-url", help="sqlite:///DATA_DIR/engine.db, which is the default")
    add("--redis-url", help="a Redis or Valkey server (default: inside the process)")
    add(
        "--cache-preset",
        help="cache times and key names: lab, apple-backend, apple-system, apple-frontend or "
        "gateway (default lab)",
    )
    add(
        "--cache-slot",
        action="append",
        metavar="SLOT=[NAME:]SECONDS[/SECONDS]",
        help="keep one kind of thing otherwise (cards=300, merchant=shop:3600/600: key name, "
        "seconds in Redis, seconds in memory); may be given several times",
    )
    add("--cache-bytes", type=int, help="memory for the level-1 cache (default 100000000)")
    add(
        "--networks-dir",
        type=Path,
        help="data folder of `networks` that run apart (default: inside the engine)",
    )
    add(
        "--daily-snapshots",
        type=int,
        default=0,
        metavar="DAYS",
        help="take a copy every day of lab time and keep so many (default: none)",
    )
    add("--exit-when-idle", action="store_true", help="stop when nobody is attached any more")
    add(
        "--allow-non-loopback",
        action="store_true",
        help="with --host: let other machines reach the engine",
    )


def _common(parser: argparse.ArgumentParser, run: object) -> None:
    parser.add_argument("--data-dir", type=Path, help="data folder (default: the platform's)")
    parser.add_argument("--verbose", action="store_true", help="more words on stderr")
    parser.set_defaults(run=run)


def _simulation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, help="seed of the laboratory's randomness")
    parser.add_argument(
        "--profile",
        default="lab",
        choices=("lab", "instant"),
        help="delays of the simulated networks (default %(default)s)",
    )


if __name__ == "__main__":
    sys.exit(main())
