"""The report: three formats of the same figures, each readable by what reads that format."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest
from playwright.sync_api import sync_playwright

from passt_core.errors import ReportError
from passt_core.inference.predictor import Predictor
from passt_core.lab import report as reports
from passt_core.lab.answers import Unreadable
from passt_core.lab.baselines import Baseline
from passt_core.lab.datasets import Dataset, LabelledClip
from passt_core.lab.evaluate import evaluate
from passt_core.lab.report import Report, content, figures, page
from passt_core.lab.robustness import Condition
from tests.sounds import TINY, noise, randomised, save_network, write

HOSTILE = "</script><b>|Rain*"
"""A class's name that is markup in HTML and in Markdown."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of nine clips and three classes, one of them hostile; baselines and robustness made up."""
    root = tmp_path_factory.mktemp("clips")
    names = ("Dog", HOSTILE, "Wind")
    path = root / "tiny.safetensors"
    save_network(path, randomised(TINY), labels=(*names, "a", "b", "c", "d"), temperature=1.5)
    clips = [
        LabelledClip(
            path=write(root / f"{index}.wav", noise(0.3, seed=index)),
            label=names[index % 3],
            source=f"source {index % 4}",
        )
        for index in range(9)
    ]
    dataset = Dataset(name="clips", clips=tuple(clips), labels=names, missing=("gone.wav",))
    found = evaluate(Predictor.from_checkpoint(path, device="cpu"), dataset, resamples=20)
    found = replace(found, unreadable=(Unreadable(file="a/<i>.wav", reason="not a | sound"),))
    return Report(
        evaluation=found,
        baselines=(Baseline(name="guessing", clips=9, figures=found.figures),),
        robustness=(
            Condition(name="unchanged", accuracy=0.8, accuracy_all=0.7, top_3=1.0, lost=0.0),
            Condition(name="20 dB down", accuracy=0.5, accuracy_all=0.4, top_3=0.9, lost=0.3),
        ),
    )


@pytest.fixture(scope="module")
def several(report: Report) -> Report:
    """The same as a report on clips of several classes, with no more than must be."""
    found = report.evaluation
    kept = tuple(f for f in found.figures if f.key != "ece")
    return Report(evaluation=replace(found, multi_label=True, figures=kept, unreadable=()))


def test_json_holds_everything(report: Report, tmp_path: Path) -> None:
    reports.write(tmp_path / "scores.json", report)
    told = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert told["accuracy"] == report.evaluation.accuracy
    assert told["baselines"][0]["name"] == "guessing"
    assert told["robustness"][1]["lost"] == 0.3
    assert told["figures"][0]["by_source"]["low"] <= told["figures"][0]["value"]
    assert len(told["results"]) == 9


def test_markdown_has_whole_tables_and_no_markup_of_others(report: Report) -> None:
    text = reports.to_markdown(report)
    lines = text.splitlines()
    assert lines[0] == "# tiny on clips"
    for start in [i for i, line in enumerate(lines) if line.startswith("| ---")]:
        block = [lines[start - 1]]
        for line in lines[start:]:
            if not line.startswith("|"):
                break
            block.append(line)
        columns = {line.replace("\\|", "").count("|") for line in block}
        assert len(columns) == 1, block[0]
        assert len(block) > 2
    assert HOSTILE not in text
    assert "\\</script\\>\\<b\\>\\|Rain\\*" in text
    assert "1 clips could not be heard" in text
    assert "1 files are listed and not there" in text
    for title in ("Scores", "Beside baselines", "Robustness", "Classes", "Commonest confusions"):
        assert f"## {title}" in lines


def test_what_was_not_asked_for_is_not_told(several: Report) -> None:
    text, told = reports.to_markdown(several), several.to_dict()
    assert "Beside baselines" not in text
    assert "Robustness" not in text
    assert "could not be heard" not in text
    assert not {"baselines", "robustness"} & told.keys()
    assert "one of its classes" in text
    assert "F1, micro" in text


def test_figures_are_plotlys(report: Report, several: Report) -> None:
    """Plotly's own classes refuse what they do not know."""
    plots = [
        figures.confusion(report.evaluation),
        figures.classes(report.evaluation),
        figures.reliability(report.evaluation),
        figures.reliability(several.evaluation),
        figures.robustness(report),
        figures.comparison(report),
    ]
    for plot in plots:
        assert go.Figure(plot).data


def test_the_heat_map_shows_the_counts(report: Report) -> None:
    (trace,) = figures.confusion(report.evaluation)["data"]
    assert trace["customdata"] == [list(row) for row in report.evaluation.confusion]
    for shares, counts in zip(trace["z"], trace["customdata"]):
        assert shares == pytest.approx([count / sum(counts) for count in counts], abs=1e-4)
    classes = list(report.evaluation.classes)
    classes[2] = replace(classes[2], clips=0)
    (trace,) = figures.confusion(replace(report.evaluation, classes=tuple(classes)))["data"]
    assert (len(trace["y"]), len(trace["x"])) == (2, 3)  # no row without clips, yet a column


def test_the_commonest_confusions_have_their_share(report: Report) -> None:
    found = replace(report.evaluation, confusion=((1, 2, 0), (0, 3, 0), (1, 0, 2)))
    _, rows = content.confusion_table(found)
    assert rows == [("Dog", HOSTILE, "2", "67%"), ("Wind", "Dog", "1", "33%")]


def test_the_page_holds_all_it_needs(report: Report) -> None:
    text = reports.to_html(report)
    own = text.replace(page.plotly_script(), "")
    assert "http" not in own
    assert HOSTILE not in text
    assert text.lower().count("</script>") == 3
    assert "&lt;/script&gt;&lt;b&gt;|Rain*" in own
    assert "a/&lt;i&gt;.wav" in own


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_the_page_opens_offline(chromium: str, report: Report, tmp_path: Path, scheme: str) -> None:
    reports.write(tmp_path / "scores.html", report)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(color_scheme=scheme, offline=True)
        opened = context.new_page()
        faults: list[str] = []
        opened.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("requestfailed", lambda request: faults.append(request.url))
        opened.goto((tmp_path / "scores.html").as_uri())
        opened.wait_for_selector("#robustness .barlayer .point", state="attached")
        drawn = opened.eval_on_selector_all(".picture", "all => all.map(p => !!p.layout)")
        ink = opened.evaluate("document.getElementById('confusion')._fullLayout.font.color")
        ticks = opened.text_content("#confusion .yaxislayer-above") or ""
        width = opened.evaluate("document.documentElement.scrollWidth - innerWidth")
        browser.close()
    assert drawn == [True] * 5
    assert not faults
    assert ink == {"light": "#1c2127", "dark": "#e6e9ec"}[scheme]
    assert HOSTILE in ticks
    assert width <= 0


def test_without_plotly_there_is_no_page(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    with pytest.raises(ReportError, match="plotly, and it is not installed; install"):
        reports.write(tmp_path / "scores.html", report)
    assert not list(tmp_path.iterdir())


def test_targets(report: Report, tmp_path: Path) -> None:
    there = tmp_path / "scores.md"
    there.write_text("mine", encoding="utf-8")
    with pytest.raises(ReportError, match="is there already; name another file, or use --force"):
        reports.write(there, report)
    assert there.read_text(encoding="utf-8") == "mine"
    reports.write(there, report, force=True)
    assert there.read_text(encoding="utf-8").startswith("# tiny on clips")
    with pytest.raises(ReportError, match=r"ends in '.pdf'; a report is told as .html, .md, .json"):
        reports.check_targets([tmp_path / "scores.pdf"])
    with pytest.raises(ReportError, match="is no folder; make it"):
        reports.check_targets([tmp_path / "gone" / "scores.md"])
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(ReportError, match="is there already"):
        reports.check_targets([tmp_path / "folder.md"], force=True)
