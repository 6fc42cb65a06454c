"""The commands that need no database: simulate, check, risk scan."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from admin import cli
from tests.flows import golden

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """`engawa …` in this process: exit code, output, errors."""

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["engawa", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out.decode(), err.decode()

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "script.yaml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


JOURNEY = """
at: 2026-11-22T20:15:00+09:00
say:
  - joined: true
  - choice: 家族のこと
  - text: きのう物を投げられて、手にけがをしました
  - claim: true
  - reply: 読みました。
  - text: ありがとう
  - after: 600
  - hand_back: true
  - earlier: 家族のこと
"""


def test_a_script_gives_the_same_conversation_every_time(run: Run, script: Callable[[str], str]) -> None:
    """Byte for byte; the person's lines, the answers with their buttons, and what moved."""
    path = script(JOURNEY)
    code, out, err = run("simulate", path)
    assert (code, err) == (0, "")
    assert (code, out, err) == run("simulate", path)
    for told in (
        "choice: 家族のこと",
        "おつかれさまです",
        "［画面をかくす］",
        "(SayFirst)",
        "(OpenTicket)",
        "  > 読みました。",
    ):
        assert told in out


def test_repro_prints_a_script_that_plays_the_same(run: Run, script: Callable[[str], str]) -> None:
    """What it prints at the end is a script, and that script prints the same."""
    _, plain, _ = run("simulate", script(JOURNEY))
    _, out, _ = run("simulate", script(JOURNEY), "--repro")
    assert out.startswith(plain)
    repro = out.removeprefix(plain)
    assert yaml.safe_load(repro)["say"] == yaml.safe_load(JOURNEY)["say"]
    assert run("simulate", script(repro), "--repro") == (0, out, "")


@pytest.mark.parametrize("name", ["C-10", "handoff", "risk-human", "later", "numbers"])
def test_a_golden_conversation_is_a_script(run: Run, name: str) -> None:
    """A golden without content of its own can be played in the terminal; every word of it is there."""
    path = golden.FOLDER / f"{name}.yaml"
    code, out, err = run("simulate", str(path))
    assert (code, err) == (0, "")
    for entry in golden.read(path)["say"]:
        for one in entry["then"]:
            assert all(text in out for text in one.get("bot", []))


def test_a_conversation_in_the_terminal(run: Run) -> None:
    """Lines, taps with *, time with +, a counselor with ! and !!; mistakes are told and the talk goes on."""
    lines = "さがす\n*窓口\n*ない\n!\n人と話したい\n*このまま渡す\n+60\n!\n!\n!!\n"
    code, out, err = run("simulate", "--repro", stdin=lines)
    assert (code, err) == (0, "")
    assert "There is no button ない" in out
    assert "There is nothing to claim." in out
    assert "not waiting any more" in out
    assert "案内にもどりました" in out
    told = yaml.safe_load(out[out.index("at: ") :])["say"]
    assert told[0] == {"joined": True}
    assert {"claim": True} in told
    assert {"choice": "ない"} not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("say: 3", "needs a list `say:`"),
        ("- text: x", "needs a list `say:`"),
        ("say: [3]", "every entry is a mapping"),
        ("say: [{dance: 1}]", "cannot be played: dance"),
        ("say: [{after: -1}]", "cannot be played: after"),
        ("say: [{joined: false}]", "cannot be played: joined"),
        ("say: [{choice: ない}]", "There is no button ない"),
        ("say: [{claim: true}]", "nothing to claim"),
        ("say: [{hand_back: true}]", "nothing to hand back"),
        ("say: [{reply: x}]", "No counselor"),
        ("at: 2026-11-22 20:15:00\nsay: []", "with its zone"),
        ("at: soon\nsay: []", "with its zone"),
        ("say: [", "script.yaml: YAML として読めません（"),
    ],
)
def test_a_script_that_cannot_be_played_is_told(
    run: Run, script: Callable[[str], str], text: str, told: str
) -> None:
    """Exit 1 and one line that says what is wrong; no traceback."""
    code, _, err = run("simulate", script(text))
    assert code == 1
    assert err.startswith("engawa: ")
    assert told in err
    assert err.count("\n") == 1


def test_a_script_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    """So is one that is no text."""
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    for name in ("gone.yaml", "bytes.yaml"):
        code, _, err = run("simulate", str(tmp_path / name))
        assert code == 1
        assert "cannot be read" in err


# --- check ----------------------------------------------------------------------------------------------------


def test_check_finds_nothing_in_what_we_ship(run: Run) -> None:
    """Exit 0, with the number of documents."""
    code, out, err = run("check")
    assert (code, err) == (0, "")
    assert out.endswith("documents, nothing that blocks.\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped content."""
    for path in sorted(Path(cli.__file__).parent.parent.glob("bot/content/seed/**/*.yaml")):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return tmp_path


def test_check_tells_every_issue_of_a_folder_with_its_path(run: Run, folder: Path) -> None:
    """Exit 1, one line an issue: whether it blocks, where, what."""
    assert run("check", str(folder))[0] == 0
    page = folder / "F-END.yaml"
    page.write_text(
        page.read_text("utf-8").replace("F-START/hello", "F-START/gone").replace("今日は", "今日は" * 9),
        "utf-8",
    )
    code, out, err = run("check", str(folder))
    assert (code, err) == (1, "")
    assert (
        "blocks  flow/F-END/steps/bye/choices/はじめにもどる: 「F-START/gone」という場面はありません。行き先の名前を"
        in out
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: flow\nid: F-X\nname: x\nsteps: {a: {kind: menu, say: x}}", "flow/F-X.steps[a].say"),
        ("kind: flow\nkind: flow", "x.yaml: YAML として読めません（2行目：kind が二つあります）"),
        ("kind: poem", "x.yaml: はじめに kind: を書いてください"),
    ],
)
def test_check_tells_what_cannot_be_read(run: Run, folder: Path, text: str, told: str) -> None:
    """Exit 1 and the path, in one line; the rest is looked through all the same."""
    (folder / "x.yaml").write_text(text, "utf-8")
    code, out, err = run("check", str(folder))
    assert (code, err) == (1, "")
    assert out.startswith("blocks")
    assert told in out
    assert run("check", str(folder / "nowhere"))[0] == 1


# --- risk scan ------------------------------------------------------------------------------------------------

LINES = """{"id": "a", "text": "自傷しました"}
{"id": "b", "text": "こんにちは", "note": "ignored"}

{"id": "c", "text": "もう限界です。今から死ぬ"}
{"text": "父に殴られています", "id": "d"}
"""
FOUND = [
    {"id": "a", "level": "high", "category": "self_harm", "rules": ["H-NAME", "P-SELF-HARM"]},
    {"id": "b", "level": "none", "category": "", "rules": []},
    {
        "id": "c",
        "level": "emergency",
        "category": "suicide",
        "rules": ["D-SOON", "S-NOW", "W-SAID", "Y-DIE-PLAINLY", "C-LIMIT", "N-PAIN"],
    },
    {
        "id": "d",
        "level": "high",
        "category": "abuse",
        "rules": ["A-HIT", "G-KIN-HITS", "P-HARMED", "P-STRIKES"],
    },
]


def test_risk_scan_answers_line_by_line(run: Run, tmp_path: Path) -> None:
    """From a file or standard input: id, level, category and rules, in order, and nothing of the text."""
    path = tmp_path / "lines.jsonl"
    path.write_text(LINES, "utf-8")
    code, out, err = run("risk", "scan", str(path))
    assert (code, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == FOUND
    assert run("risk", "scan", "-", stdin=LINES) == (0, out, "")
    assert "死" not in out


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "[]",
        '{"id": "a"}',
        '{"text": "a"}',
        '{"id": 1, "text": "a"}',
        '{"id": "a", "text": null}',
        "\xff",
    ],
)
def test_risk_scan_names_the_line_it_cannot_read(run: Run, line: str) -> None:
    """The number of the line, and none of its text."""
    code, _, err = run("risk", "scan", "-", stdin=f'{{"id": "a", "text": "はい"}}\n{line}\n')
    assert (code, err) == (1, 'engawa: Line 2 is no {"id", "text"} object.\n')


def test_risk_scan_of_no_file_is_told(run: Run, tmp_path: Path) -> None:
    """A file that is not there is told in one line."""
    code, _, err = run("risk", "scan", str(tmp_path / "gone.jsonl"))
    assert code == 1
    assert "cannot be read" in err
