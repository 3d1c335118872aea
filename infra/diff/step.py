"""One step: what happens to one resource of a program, where the base has it or has it not. Values in, values out.

The rules and their order are the engine's (continueStepsFromImport, continueStepsFromDiff and GenerateReadSteps in
pkg/resource/deploy/step_generator.go of pulumi/pulumi v3.259); what a provider would say comes from facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from components.graph import Resource, Secret, Unknown
from infra.diff import paths
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, Step
from infra.diff.checked import checked_inputs
from infra.diff.compare import STRICT, Difference, differences, input_differences
from infra.diff.progress import Progress
from infra.diff.provider_config import config_difference_replaces, config_replaces
from infra.diff.recorded import Base, Recorded
from infra.diff.replacement import recomputed_by_updates, replaces
from infra.diff.succession import deletes_first
from infra.recorder.providers import is_provider

PROTECTED = "it is protected; remove `protect` from it, run `pulumi up`, then try again"
STILL_IMPORTED = "it was imported and is not replaced while it carries `import`; remove that from it"
TAINTED = "it is tainted"
OTHER_IMPORT = "it imports another object"
DELETED_ALREADY = "an earlier run deleted it and did not come to make it again"
READ_SO_FAR = "so far it was only read: now the program makes its own"
ONLY_READ_NOW = "now the program only reads another object by this name, and the one that it managed goes"
TRIGGERED = "its replacement trigger changed"
PROVIDER = "provider"  # the words of the engine
REPLACED_WITH = "replaceWith"
INIT_ERRORS = "#initerror"


def step_of(progress: Progress, new: Resource) -> Step:
    """What happens to *new* after all that *progress* tells."""
    old = progress.base.find(new)
    step = Step(op=Op.SAME, urn=new.urn, type=new.type, name=new.name, old=old.resource if old else None, new=new)
    if old is None:
        return replace(step, op=_fresh(new))
    if old.resource.urn != new.urn:
        step = replace(step, renamed_from=old.resource.urn)
    other = progress.taken_already(old, new)
    if other is not None:
        return replace(step, protected_error=f"{other} is what it claims to have been, by an alias")
    if new.external:
        return _read(step, old, new)
    if new.import_id and _imports(old, new):
        return replace(step, op=Op.IMPORT) if old.resource.external else _handed_over(step, old, OTHER_IMPORT)
    if old.resource.external:
        return replace(_handed_over(step, old, READ_SO_FAR), retained=True)
    changes = tuple(_changes(progress, old.resource, new))
    return _judged(progress, replace(step, changes=changes), old)


def noted(progress: Progress, step: Step) -> None:
    """Remember in *progress* what *step* means for those that follow."""
    if step.new is None:
        return
    progress.seen[step.urn] = step.new
    if step.old is not None:
        progress.taken.setdefault(step.old.urn, step.urn)
    if step.op is Op.REPLACE:
        progress.replaced.add(step.urn)
    if changes_outputs(step, progress.base):
        progress.moved.add(step.urn)


def changes_outputs(step: Step, base: Base) -> bool:
    """Whether outputs of the resource may be others afterwards, so that what is unknown because of it changes."""
    if step.op in (Op.SAME, Op.UPDATE) and not step.certain:
        return False
    if base.is_state:
        return step.op is not Op.SAME
    return step.op is Op.REPLACE or (step.op is Op.UPDATE and bool(recomputed_by_updates(step.type)))


def unanswered(progress: Progress, new: Resource) -> bool:
    """Whether an input of *new* is unknown only because nobody answers the program offline."""
    old = progress.base.find(new)
    if old is None or new.external or not new.custom:
        return False
    return any(_is_unanswered(found, new, progress) for found in _differences(progress, old.resource, new))


def _fresh(new: Resource) -> Op:
    if new.external:
        return Op.READ
    return Op.IMPORT if new.import_id and new.custom else Op.CREATE


def _read(step: Step, old: Recorded, new: Resource) -> Step:
    """A lookup by id. Of a managed resource, it gives that one up; by another id, the managed one is deleted."""
    same = new.import_id in (old.id, old.resource.import_id)
    if old.resource.external:
        return step if same else replace(step, op=Op.READ)
    return replace(step, op=Op.READ) if same else _handed_over(step, old, ONLY_READ_NOW)


def _imports(old: Recorded, new: Resource) -> bool:
    return old.resource.external or new.import_id != (old.resource.import_id or old.id)


def _changes(progress: Progress, old: Resource, new: Resource) -> Iterator[PropertyChange]:
    """The properties that differ, and the provider where it is another one that may manage other things."""
    for difference in _differences(progress, old, new):
        if not _is_unanswered(difference, new, progress):
            yield PropertyChange(
                path=paths.text(difference.path),
                old=difference.old,
                new=difference.new,
                kind=difference.kind,
                replaces=_replaces(progress, difference, old, new),
                certain=difference.certain,
                hidden=any(paths.covers(paths.parsed(pattern), difference.path) for pattern in new.hide_diff),
            )
    verdict = _provider_verdict(progress, old, new)
    if verdict is not Replaces.NO:
        kind = ChangeKind.CHANGED
        yield PropertyChange(path=PROVIDER, old=old.provider, new=new.provider, kind=kind, replaces=verdict)


def _differences(progress: Progress, old: Resource, new: Resource) -> tuple[Difference, ...]:
    if not new.custom:
        return tuple(differences(dict(old.inputs), dict(new.inputs), leniency=STRICT))
    wanted = checked_inputs(
        new.inputs, old=old.inputs, type_=new.type, provider_inputs=progress.new_inputs(new.provider)
    )
    return input_differences(old.inputs, wanted, type_=new.type, ignore=new.ignore_changes)


def _is_unanswered(difference: Difference, new: Resource, progress: Progress) -> bool:
    """
    Whether the new value is unknown only because nobody answers the program offline: a lookup, another stack.

    Nothing that it comes from changes, so it is taken for the value that the state records; a note says so.
    """
    value = difference.new.value if isinstance(difference.new, Secret) else difference.new
    if difference.kind is not ChangeKind.CHANGED or not isinstance(value, Unknown):
        return False
    behind = new.property_dependencies.get(str(difference.path[0]), ())
    return not any(urn in progress.moved for urn in behind)


def _replaces(progress: Progress, difference: Difference, old: Resource, new: Resource) -> Replaces:
    if not new.custom:
        return Replaces.NO
    if is_provider(new.type):
        return config_difference_replaces(difference, type_=new.type, old=old.inputs, new=new.inputs)
    return replaces(difference, resource=new, provider_inputs=progress.new_inputs(new.provider))


def _provider_verdict(progress: Progress, old: Resource, new: Resource) -> Replaces:
    """Whether what manages the resource changed so that it must be replaced (providerChanged)."""
    if old.custom != new.custom or new.provider in progress.replaced:
        return Replaces.YES
    if old.provider is None or new.provider is None or old.provider == new.provider:
        return Replaces.NO
    if progress.taken.get(old.provider) == new.provider:  # the same one, renamed under an alias
        return Replaces.NO
    if old.provider not in progress.base.by_urn or new.provider not in progress.seen:
        return Replaces.UNKNOWN
    provider = progress.seen[new.provider]
    return config_replaces(provider.type, progress.old_inputs(old.provider), provider.inputs)


def _judged(progress: Progress, step: Step, old: Recorded) -> Step:
    """*step* with its operation, from its changes and from what the base says about the resource."""
    reasons = tuple(_reasons(progress, step, old))
    if reasons:
        return _replaced(step, old, reasons, along=old.resource.urn in progress.condemned)
    if not step.changes and not old.init_errors:
        return step
    may_replace = any(change.replaces is not Replaces.NO for change in step.changes)
    return replace(step, op=Op.UPDATE, replaces=Replaces.UNKNOWN if may_replace else Replaces.NO)


def _reasons(progress: Progress, step: Step, old: Recorded) -> Iterator[str]:
    """Why the engine replaces, and what: marks in the state, wishes of the program, properties that force it."""
    new, condemned = step.new, progress.condemned.get(old.resource.urn)
    if new is None:
        return
    if condemned is not None:
        yield from condemned.keys or (PROVIDER,)
        yield f"{condemned.by} is deleted before it is made again"
    if old.pending_replacement:
        yield DELETED_ALREADY
    if old.tainted:
        yield TAINTED
    if any(urn in progress.replaced for urn in new.replace_with):
        yield REPLACED_WITH
    if _is_triggered(old.resource, new):
        yield TRIGGERED
    if old.init_errors and _covers_init_errors(new.replace_on_changes):
        yield INIT_ERRORS
    named = (condemned.keys or (PROVIDER,)) if condemned else ()
    yield from (
        change.path
        for change in step.changes
        if change.replaces is Replaces.YES and change.certain and change.path not in named
    )


def _is_triggered(old: Resource, new: Resource) -> bool:
    """Another trigger replaces; an unknown one is taken for another, and none on either side for none at all."""
    before, after = old.replacement_trigger, new.replacement_trigger
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return True
    return before is not None and after is not None and any(differences(before, after, leniency=STRICT))


def _covers_init_errors(patterns: Iterable[str]) -> bool:
    return any(paths.covers(paths.parsed(pattern), (INIT_ERRORS,)) for pattern in patterns)


def _replaced(step: Step, old: Recorded, reasons: tuple[str, ...], *, along: bool) -> Step:
    """
    *step* as a replacement, and why the engine refuses it where it does.

    A program may unprotect and replace at once, but not where the replacement only comes *along* with another.
    """
    new, refused = step.new, None
    if new is None:
        return step
    if old.resource.protect and (new.protect or along):
        refused = PROTECTED
    elif new.import_id:
        refused = STILL_IMPORTED
    return replace(
        step,
        op=Op.REPLACE,
        replaces=Replaces.YES,
        replace_reason=reasons,
        protected_error=refused,
        retained=old.resource.retain_on_delete,
        deletes_first=deletes_first(new, old.resource.inputs),
    )


def _handed_over(step: Step, old: Recorded, reason: str) -> Step:
    """*step* as a replacement of one object by another that is there already, or was not ours: nothing is judged."""
    return replace(
        step,
        op=Op.REPLACE,
        replaces=Replaces.YES,
        replace_reason=(reason,),
        retained=old.resource.retain_on_delete,
    )
