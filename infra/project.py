"""Where the project is: the folder that holds Pulumi.yaml, here or above."""

from __future__ import annotations

from pathlib import Path

from infra.failures import WrongInput


def project_root(start: Path) -> Path:
    """
    The nearest folder at or above *start* that holds a Pulumi.yaml.

    Raises:
        WrongInput: If there is none.
    """
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    raise WrongInput(
        f"{here}: no Pulumi.yaml here or above\n    hint: run sizeup inside the project, or sizeup -C FOLDER"
    )
