"""The network on WebGPU, and the choice of it by proof, in headless Chromium with SwiftShader's adapter."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.preview.browser import Browser
from tests.preview.pages import DESKTOP, IN_CHROMIUM, READY, Page

pytestmark = IN_CHROMIUM

GUIDE = Path(__file__).parent.parent.parent / "docs/web.md"
# An adapter that computes on the CPU, without shader-f16; a phone's browser has its own.
WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")
MODULES = """
const {openBundle, readerAt} = await import('/page/bundle.mjs');
const {openSegmenter, webgpuDevice} = await import('/page/segmenter.mjs');
const {openGolden} = await import('/page/golden.mjs');
const bundle = await openBundle(readerAt('/bundle/'));
"""
CHOICE = "localStorage.getItem('edgekit/accelerator-choice')"


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return WEBGPU


def result_of(browser: Browser, url: str, script: str) -> dict[str, object]:
    """What the body of a function with the page's modules returns, on a page without the preview."""
    browser.open(f"{url}page/icon.svg", DESKTOP)
    result = browser.run(f"(async () => {{ {MODULES} {script} }})()")
    assert isinstance(result, dict)
    return result


def proof_in_guide() -> str:
    """docs/web.md's proof of an accelerator, as the body of a function."""
    text = GUIDE.read_text(encoding="utf-8")
    block = re.search(r"## Proving an accelerator\n```js\nimport .*?;\n(.*?)```", text, re.S)
    assert block is not None
    here = block[1].replace("'./litert'", "'/litert'")
    return here.replace("20000", "90000")  # for SwiftShader on a busy machine


def test_a_network_on_webgpu_is_proved_as_the_guide_says(browser: Browser, serve: Callable[..., str]) -> None:
    result = result_of(
        browser,
        serve(),
        f"""
        {proof_in_guide()}
        const {{accelerator, device, loadMs}} = candidate;
        candidate.close();
        const closed = await candidate.segment(new OffscreenCanvas(8, 9)).catch((error) => error.message);
        const known = await webgpuDevice();
        return {{proofs, isRight, bound: golden.bound, accelerator, device, loadMs, closed, known}};
        """,
    )
    proofs, bound = result["proofs"], result["bound"]
    assert isinstance(proofs, list) and isinstance(bound, (int, float)) and len(proofs) == 5
    assert all(proof["deltaE00P95"] <= bound and proof["inferenceMs"] > 0 for proof in proofs)
    assert result["isRight"] is True
    assert (result["accelerator"], result["device"]) == ("webgpu", result["known"])
    assert "swiftshader" in str(result["device"])
    assert isinstance(result["loadMs"], (int, float)) and result["loadMs"] > 0
    assert result["closed"] == "The network was closed."


def test_a_network_that_is_wrong_is_found_by_the_golden_picture(
    browser: Browser, serve: Callable[..., str]
) -> None:
    result = result_of(
        browser,
        serve(),
        """
        const golden = await openGolden(bundle), segmenter = await openSegmenter(bundle, '/litert');
        const turned = async (picture) => {
          const answer = await segmenter.segment(picture);
          return {...answer, mask: answer.mask.slice().reverse(), ms: 5};
        };
        const right = await golden.prove(segmenter), wrong = await golden.prove({segment: turned});
        return {right, wrong, bound: golden.bound};
        """,
    )
    right, wrong, bound = result["right"], result["wrong"], result["bound"]
    assert isinstance(right, dict) and isinstance(wrong, dict) and isinstance(bound, (int, float))
    assert right["deltaE00P95"] <= bound < wrong["deltaE00P95"]
    assert wrong["inferenceMs"] == 5


def test_opening_ends_when_it_is_told_to(browser: Browser, serve: Callable[..., str]) -> None:
    result = result_of(
        browser,
        serve(),
        """
        const stopped = async (signal) => {
          const options = {accelerator: 'webgpu', signal};
          return openSegmenter(bundle, '/litert', options).then(() => 'opened', (error) => error.message);
        };
        return {before: await stopped(AbortSignal.abort()), during: await stopped(AbortSignal.timeout(50))};
        """,
    )
    assert result == {"before": "The network was closed.", "during": "The network was closed."}


def test_without_a_gpu_it_is_a_sentence(serve: Callable[..., str]) -> None:
    with Browser() as browser:
        result = result_of(
            browser,
            serve(),
            """
            const opened = openSegmenter(bundle, '/litert', {accelerator: 'webgpu'});
            return {problem: await opened.catch((error) => error.message), known: await webgpuDevice()};
            """,
        )
    assert result == {
        "problem": "LiteRT.js: this browser has no GPU for WebGPU; use the CPU.",
        "known": None,
    }


def test_the_page_takes_what_is_proved_and_faster_and_remembers_it(
    browser: Browser, serve: Callable[..., str]
) -> None:
    url = serve()
    browser.open(url, DESKTOP)
    browser.wait(f'{CHOICE}?.includes(\'"marked":["webgpu"]\')')
    browser.open(url, DESKTOP)  # left in the middle of the GPU's trial, which is no crash
    browser.wait(READY)
    page = Page(browser, url)
    told = page.text("choice")
    assert page.problem() == ""
    assert re.search(r"\bwasm: (chosen|proved)", told), told
    assert re.search(r"\bwebgpu: (?!not tried)", told), told  # a busy machine may find SwiftShader too slow
    accelerator = page.run("preview.segmenter.accelerator")
    assert f"{accelerator}: chosen, the fastest of those proved" in told
    assert page.text("timing").count("WebGPU" if accelerator == "webgpu" else "CPU") == 1
    stored = browser.run(CHOICE)

    browser.open(url, DESKTOP)
    browser.wait(READY)
    assert page.text("choice") == told  # with its times: nothing was tried again
    assert browser.run(CHOICE) == stored
