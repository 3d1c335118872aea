"""The `sizeup` command: parses, calls one command, and sets the exit status. What commands do is in `infra.commands`.

Exit status: 0 done; 1 refused (no plan, stale, a rule, a guard); 2 wrong input; 3 another program failed.
Results go to stdout, all else to stderr.
"""

from __future__ import annotations

from infra.interruption import ignored_from_here  # first: it tells of a Ctrl-C during all other imports

# isort: split
import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.commands import EFFORTS, FACTS, FAULTS, FRONTS, STRATEGIES
from infra.commands.predict_options import add_options as add_predict_options
from infra.failures import DONE, PROGRAM_FAILED, REFUSED, WRONG_INPUT, ProgramFailed, Refused
from sizing.errors import SizingError, StalePlan


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; without *argv* as the program that was started."""
    status = _status(argv)
    if argv is None:
        ignored_from_here()
    return status


def _status(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parsed(argv)
        command = importlib.import_module(f"infra.commands.{arguments.command}")
        status: int = command.run(arguments)
    except (StalePlan, Refused) as error:
        return _ended(str(error), REFUSED)
    except SizingError as error:
        return _ended(str(error), WRONG_INPUT)
    except ProgramFailed as error:
        return _ended(str(error), PROGRAM_FAILED)
    except KeyboardInterrupt as error:  # some tell what was done by then
        if argv is None:
            ignored_from_here()
        return _ended(str(error) or "interrupted; no file was changed", REFUSED)
    except BrokenPipeError:  # the reader of a pipe went away: head, less
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; changes of a what-if may stand after an option too, which argparse itself does not take."""
    grammar = parser()
    arguments, rest = grammar.parse_known_args(argv)
    if rest and arguments.command == "whatif" and all("=" in one and not one.startswith("-") for one in rest):
        arguments.changes += rest
    elif rest:
        grammar.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments


def _ended(message: str, status: int) -> int:
    """Tell why on stderr, and hand the status on."""
    sys.stderr.write(f"error: {message}\n")
    return status


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    root = argparse.ArgumentParser(
        prog="sizeup",
        description="From what a large model must do to the cheapest infrastructure that does it, with its cost.",
        epilog="exit status: 0 done, 1 refused (no plan, stale plan, a failed rule), 2 wrong input, "
        "3 another program or a cloud failed",
        allow_abbrev=False,
    )
    root.add_argument("-C", "--directory", type=Path, default=Path(), help="project folder (default: here, or above)")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _size(commands.add_parser("size", help="work out the plan of a stack and lock it", allow_abbrev=False))
    _preview(commands.add_parser("preview", help="what would be created or changed, and its cost", allow_abbrev=False))
    _up(commands.add_parser("up", help="apply the stack with Pulumi, behind a gate", allow_abbrev=False))
    _destroy(commands.add_parser("destroy", help="take the stack down, behind a gate", allow_abbrev=False))
    _rehearse(
        commands.add_parser("rehearse", help="play up, faults and destroy on emulated clouds", allow_abbrev=False)
    )
    _settle(commands.add_parser("settle", help="decide what an interrupted run left pending", allow_abbrev=False))
    _explain(commands.add_parser("explain", help="what binds, and why each alternative lost", allow_abbrev=False))
    _whatif(commands.add_parser("whatif", help="another spec sized, or other traffic simulated", allow_abbrev=False))
    add_predict_options(commands.add_parser("predict", help="what one configuration achieves", allow_abbrev=False))
    _facts(commands.add_parser("facts", help="the dated facts that plans rest on", allow_abbrev=False))
    _rules(commands.add_parser("rules", help="what stacks are held to, and why", allow_abbrev=False))
    return root


def _stack(command: argparse.ArgumentParser) -> None:
    _name(command)
    _json(command)


def _name(command: argparse.ArgumentParser) -> None:
    command.add_argument("stack", help="name of the stack: chat-aws is stacks/Pulumi.chat-aws.yaml")


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="the same content as JSON")


def _size(command: argparse.ArgumentParser) -> None:
    _stack(command)
    command.add_argument("--check", action="store_true", help="write nothing; exit 1 where the locked plan is stale")
    command.add_argument("--fresh", action="store_true", help="leave the current plan out: moving costs nothing")
    _search(command)


def _preview(command: argparse.ArgumentParser) -> None:
    _name(command)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the same content as JSON")
    form.add_argument("--markdown", action="store_true", help="the same content for a comment on a pull request")
    form.add_argument(
        "--html", action="store_true", help="the same content as one page: sizeup preview ... > page.html"
    )
    base = command.add_mutually_exclusive_group()
    base.add_argument("--state", type=Path, metavar="FILE", help="compare with a state: pulumi stack export > FILE")
    base.add_argument("--against", metavar="git:REV", help="compare with another revision of this repository")
    base.add_argument("--deployed", action="store_true", help="compare with the stack as it is deployed (Pulumi CLI)")
    command.add_argument("--engine", action="store_true", help="ask Pulumi's engine too, and show where it differs")
    command.add_argument("--full", action="store_true", help="list every resource, also of components made whole")


def _up(command: argparse.ArgumentParser) -> None:
    _stack(command)
    _yes(command)
    command.add_argument(
        "--max-usd-per-month", type=_positive, metavar="USD", help="refuse if the stack would cost more"
    )


def _destroy(command: argparse.ArgumentParser) -> None:
    _stack(command)
    _yes(command)


def _rehearse(command: argparse.ArgumentParser) -> None:
    _stack(command)
    command.add_argument(
        "--fault",
        action="append",
        choices=FAULTS,
        metavar="NAME",
        help=f"only this one, and again: {', '.join(FAULTS)}",
    )
    command.add_argument(
        "--keep", type=Path, metavar="DIR", help="leave everything in DIR, an empty folder, to look at"
    )


def _settle(command: argparse.ArgumentParser) -> None:
    _stack(command)
    _yes(command)
    command.add_argument(
        "--made", action="append", default=[], metavar="URN=ID", help="was created, and has this id; the rest was not"
    )


def _yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="ask nobody: what it shows has been read")


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not an amount above 0")
    return number


def _processes(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of processes")
    return number


def _explain(command: argparse.ArgumentParser) -> None:
    _stack(command)
    _search(command)


def _search(command: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    command.add_argument(
        "--effort",
        choices=EFFORTS,
        default="normal",
        help="how long to search before a gap is left (default normal); the same effort gives the same plan",
    )
    command.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="auto",
        help="how to search: auto (exact or columns, by size), or a textbook method to compare with",
    )


def _whatif(command: argparse.ArgumentParser) -> None:
    _name(command)
    command.add_argument(
        "changes",
        nargs="*",
        metavar="KEY=VALUE",
        help="size the spec with requests_per_s=40, *1.5 for half as much again, 5..100 or 5..100/20 or 0.03,0.05 for "
        "each of them in turn, us-east-1+us-west-2 for a list, none; chat.KEY=... of one workload, "
        "price:MACHINE=*0.8 of a machine or accelerator; several changes give every combination",
    )
    sized = command.add_argument_group("with KEY=VALUE")
    sized.add_argument(
        "--front", choices=FRONTS, metavar="WHAT", help=f"cost against one of {', '.join(FRONTS)}: no other does better"
    )
    sized.add_argument("--fresh", action="store_true", help="leave the current plan out: moving costs nothing")
    _search(sized)
    sized.add_argument("--workers", type=_processes, metavar="N", help="spread a sweep over N processes (needs dask)")
    sized.add_argument("--plot", type=Path, metavar="PNG", help="draw cost into an image (needs matplotlib)")
    form = sized.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the same content as JSON; without KEY=VALUE too")
    form.add_argument("--html", action="store_true", help="the same content as one page: sizeup whatif ... > page.html")
    played = command.add_argument_group("without: traffic simulated on the locked plan")
    played.add_argument(
        "--trace", type=Path, metavar="FILE", help="replay a CSV of arrival_s,input_tokens,output_tokens"
    )
    played.add_argument("--rate", type=float, metavar="R", help="requests per second (default: as the stack states)")
    played.add_argument("--scale", type=float, metavar="X", help="times as much traffic (default 1)")
    played.add_argument("--replicas", type=int, metavar="N", help="on so many replicas (default: those of the plan)")
    played.add_argument("--workload", metavar="NAME", help="only this workload")
    played.add_argument("--requests", type=int, metavar="N", help="to simulate on each replica (default 2000)")
    played.add_argument("--seed", type=int, metavar="N", help="of the random numbers (default 0)")


def _facts(command: argparse.ArgumentParser) -> None:
    verbs = command.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="one line a fact", allow_abbrev=False)
    listing.add_argument("what", nargs="?", choices=FACTS, help="which facts (default: how many there are of each)")
    listing.add_argument("--cloud", choices=("aws", "gcp"), help="only of this cloud")
    listing.add_argument("--region", help="only of this region")
    listing.add_argument("--match", metavar="TEXT", help="only names that contain TEXT")
    _json(listing)
    show = verbs.add_parser("show", help="all that is known of one name, with source and date", allow_abbrev=False)
    show.add_argument("name", help="an accelerator, a machine or a model")
    _json(show)
    check = verbs.add_parser("check", help="units, ranges, prices and names of all facts", allow_abbrev=False)
    _json(check)


def _rules(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", nargs="?", help="tell all there is of one rule: efa-interface-layout")
    command.add_argument("--match", metavar="TEXT", help="only rules whose id or title contains TEXT")
    _json(command)


if __name__ == "__main__":
    sys.exit(main())
