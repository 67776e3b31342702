from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hrnet.cli.convert import convert


class Recorder:
    def __call__(self, *args: Any, **named: Any) -> str:
        self.args, self.named = args, named
        return "written"


def test_arguments_reach_the_library(stand_in: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder()
    stand_in("hrnet.weights", convert_checkpoint=recorder)
    assert convert("a.pth", to="mmpose", output=Path("b.pth")) == 0
    assert recorder.args == ("a.pth", "mmpose", Path("b.pth"), False)
    assert recorder.named == {"inplace_batch_norm": False}
    assert capsys.readouterr().out == "written\n"
    convert("a.pth", to="ours", output=Path("b.pth"), half=True, architecture="pose_resnet50_caffe", align_corners=False)
    assert recorder.args[3] is True
    assert recorder.named == {"inplace_batch_norm": False, "architecture": "pose_resnet50_caffe", "align_corners": False}


def test_on_the_command_line(stand_in: Callable[..., None]) -> None:
    from cyclopts import App

    recorder = Recorder()
    stand_in("hrnet.weights", convert_checkpoint=recorder)
    app = App()
    app.command(convert)
    tokens = ["convert", "a.pth", "--to", "mmseg", "-o", "b.pth", "--half", "--no-align-corners", "--inplace-batch-norm"]
    assert app(tokens, exit_on_error=False, result_action="return_value") == 0
    assert recorder.args == ("a.pth", "mmseg", Path("b.pth"), True)
    assert recorder.named == {"inplace_batch_norm": True, "align_corners": False}
