"""The network on WebGPU and the golden picture's verdict on it, in headless Chromium with SwiftShader's adapter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.preview.browser import Browser
from tests.preview.pages import DESKTOP, IN_CHROMIUM, READY, Opener, Page

pytestmark = IN_CHROMIUM

GUIDE = Path(__file__).parent.parent.parent / "docs/web.md"

# An adapter that computes on the CPU, without shader-f16; a phone's browser has its own.
WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")
MODULES = """
const {openSegmenter, webgpuDevice} = await import('/page/segmenter.mjs');
const {openGolden} = await import('/page/golden.mjs');
const {bundle} = preview;
"""


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return WEBGPU


def result_of(page: Page, script: str) -> dict[str, object]:
    """What the body of a function with the page's modules returns."""
    result = page.run(f"await (async () => {{ {MODULES} {script} }})()")
    assert isinstance(result, dict)
    return result


def proof_in_guide() -> str:
    """docs/web.md's proof of an accelerator, as the body of a function."""
    block = re.search(
        r"## Proving an accelerator\n```js\nimport .*?;\n(.*?)```", GUIDE.read_text("utf-8"), re.S
    )
    assert block is not None
    return block[1].replace("'./litert'", "'/litert'")


def test_a_network_on_webgpu_is_proved_as_the_guide_says(open_page: Opener, bundle_folder: Path) -> None:
    (network,) = (p for p in (bundle_folder / "segmenter").iterdir() if p.suffix == ".tflite")
    proof = proof_in_guide().replace("{accelerator:", f"{{path: 'segmenter/{network.name}', accelerator:")
    result = result_of(
        open_page(),
        f"""
        {proof}
        const {{accelerator, device, loadMs}} = candidate;
        candidate.close();
        const closed = await candidate.segment(preview.stage.scene.picture).catch((error) => error.message);
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


def test_a_network_that_is_wrong_is_found_by_the_golden_picture(open_page: Opener) -> None:
    result = result_of(
        open_page(),
        """
        const golden = await openGolden(bundle);
        const shown = preview.stage.mask;
        const turned = {...shown, mask: shown.mask.slice().reverse(), ms: 5};
        const proof = async (mask) => golden.prove({segment: async () => ({...mask, ms: 5})});
        return {right: await proof(shown), wrong: await proof(turned), bound: golden.bound};
        """,
    )
    right, wrong, bound = result["right"], result["wrong"], result["bound"]
    assert isinstance(right, dict) and isinstance(wrong, dict) and isinstance(bound, (int, float))
    assert right["deltaE00P95"] <= bound < wrong["deltaE00P95"]
    assert right["inferenceMs"] == 5


def test_opening_ends_when_it_is_told_to(open_page: Opener) -> None:
    result = result_of(
        open_page(),
        """
        const stopped = async (signal) => {
          const options = {accelerator: 'webgpu', signal};
          return openSegmenter(bundle, '/litert', options).then(() => 'opened', (error) => error.message);
        };
        return {before: await stopped(AbortSignal.abort()), during: await stopped(AbortSignal.timeout(50))};
        """,
    )
    assert result == {"before": "The network was closed.", "during": "The network was closed."}


def test_without_a_gpu_it_is_a_sentence(open_page: Opener) -> None:
    url = open_page().url
    with Browser() as browser:
        browser.open(url, DESKTOP)
        browser.wait(READY)
        result = result_of(
            Page(browser, url),
            """
            const opened = openSegmenter(bundle, '/litert', {accelerator: 'webgpu'});
            return {problem: await opened.catch((error) => error.message), known: await webgpuDevice()};
            """,
        )
    assert result == {
        "problem": "LiteRT.js: this browser has no GPU for WebGPU; use the CPU.",
        "known": None,
    }
