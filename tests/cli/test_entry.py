"""Help, mistakes on the command line, and how errors leave the program."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest

from hrnet.cli import main
from hrnet.errors import HRNetError, MissingExtraError

StandIn = Callable[..., None]


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "tokens",
    [
        [],
        ["--help"],
        ["predict", "-h"],
        ["predict", "pose", "-h"],
        ["train", "-h"],
        ["evaluate", "pose", "-h"],
        ["inspect", "-h"],
    ],
)
def test_help(tokens: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tokens) == 0
    assert "Usage: hrnet" in capsys.readouterr().out


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in ("predict", "train", "evaluate", "inspect", "models", "doctor"))


@pytest.mark.parametrize(
    ("tokens", "hint"),
    [
        (["predct"], 'Did you mean "predict"?'),
        (["predict", "pse"], "did you mean 'pose'?"),
        (["predict", "pose", "a.jpg", "--modl", "x"], "Did you mean --model?"),
        (["predict", "pose", "a.jpg", "--preset", "fst"], 'Did you mean "fast"?'),
        (["predict", "pose"], "requires an argument"),
        (["predict", "pose", "a.jpg", "--batch-size", "many"], '"many"'),
        (["train", "recipe.yaml", "--sett", "a=1"], "Did you mean --set?"),
        (["train", "recipe.yaml", "--set", "epochs"], "key.path=value"),
        (["predict", "pose", "a.jpg", "--boxes", "1,2,3"], "x1,y1,x2,y2"),
        (["inspect", "model.pth", "--sheet", "sheet.jpg"], "belong to data sets"),
        (["models", "--macs", "256"], "HEIGHTxWIDTH"),
    ],
)
def test_usage_mistake_is_one_line_and_code_2(
    tokens: list[str], hint: str, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in("hrnet.inference.pose_prediction", predict_pose=raising(AssertionError("must not run")))
    assert main(tokens) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("hrnet: error: ")
    assert hint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HRNetError("this picture is broken"), "this picture is broken"),
        (MissingExtraError("needs PyAV: pip install 'hrnet[video]'"), "needs PyAV: pip install 'hrnet[video]'"),
        (ValueError("box 3 is reversed"), "box 3 is reversed"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.jpg"), "No such file or directory: a.jpg"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("cannot reach the server"), "cannot reach the server"),
    ],
)
def test_expected_error_is_one_line_and_code_1(
    error: Exception, text: str, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in("hrnet.inference.pose_prediction", predict_pose=raising(error))
    assert main(["predict", "pose", "a.jpg"]) == 1
    assert capsys.readouterr().err == f"hrnet: error: {text}\n"


def test_programming_error_is_not_hidden(stand_in: StandIn) -> None:
    stand_in("hrnet.inference.pose_prediction", predict_pose=raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        main(["predict", "pose", "a.jpg"])


@pytest.mark.parametrize("tokens", [["--debug", "predict", "pose", "a.jpg"], ["predict", "pose", "a.jpg", "--debug"]])
def test_debug_lets_the_traceback_through(tokens: list[str], stand_in: StandIn) -> None:
    stand_in("hrnet.inference.pose_prediction", predict_pose=raising(HRNetError("broken")))
    with pytest.raises(HRNetError, match="broken"):
        main(tokens)


@pytest.mark.parametrize(("value", "through"), [("1", True), ("0", False), ("", False)])
def test_debug_by_environment(value: str, through: bool, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRNET_DEBUG", value)
    stand_in("hrnet.inference.pose_prediction", predict_pose=raising(HRNetError("broken")))
    if through:
        with pytest.raises(HRNetError):
            main(["predict", "pose", "a.jpg"])
    else:
        assert main(["predict", "pose", "a.jpg"]) == 1


def test_interrupt(stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in("hrnet.inference.pose_prediction", predict_pose=raising(KeyboardInterrupt()))
    assert main(["predict", "pose", "a.jpg"]) == 130
    assert "interrupted" in capsys.readouterr().err
