"""WGSL on wgpu-native (naga) over Vulkan; without a GPU that is Mesa's lavapipe."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.shader.backends.backend import BackendMissing, Drawn, Job
from edgekit.shader.description import DialectText, Texture
from edgekit.shader.oracle import Frame
from edgekit.shader.upload import texels_of, uniform_block


class WgpuWgsl:
    dialect = "wgsl"

    def __init__(self) -> None:
        try:
            import wgpu
        except ImportError as error:
            raise BackendMissing("the package wgpu is missing: pip install wgpu") from error
        self.wgpu = wgpu
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # Vulkan's loader asks for one
        try:
            self.adapter = wgpu.gpu.request_adapter_sync()
            self.gpu = self.adapter.request_device_sync()
        except RuntimeError as error:
            raise BackendMissing(f"no Vulkan device (mesa-vulkan-drivers): {error}") from error
        info = self.adapter.info
        self.device = f"{info['device']}, {info['description']}, wgpu {wgpu.__version__}"

    def draw(self, jobs: Sequence[Job]) -> list[Drawn]:
        return [self._draw_one(frame, text) for frame, text in jobs]

    def close(self) -> None:
        self.gpu.destroy()

    def _draw_one(self, frame: Frame, text: DialectText) -> Drawn:
        wgpu, gpu = self.wgpu, self.gpu
        size = (frame.width, frame.height, 1)
        usage = wgpu.TextureUsage.RENDER_ATTACHMENT | wgpu.TextureUsage.COPY_SRC
        target = gpu.create_texture(size=size, format="rgba8unorm", usage=usage)
        pipeline = self._pipeline(text)
        group = gpu.create_bind_group(
            layout=pipeline.get_bind_group_layout(0),
            entries=[{"binding": i, "resource": r} for i, r in enumerate(self._resources(frame))],
        )
        encoder = gpu.create_command_encoder()
        attachment = {
            "view": target.create_view(),
            "load_op": "clear",
            "store_op": "store",
            "clear_value": (0, 0, 0, 0),
        }
        render = encoder.begin_render_pass(color_attachments=[attachment])
        render.set_pipeline(pipeline)
        render.set_bind_group(0, group)
        render.draw(3)
        render.end()
        gpu.queue.submit([encoder.finish()])
        layout = {"bytes_per_row": frame.width * 4, "rows_per_image": frame.height}
        data = gpu.queue.read_texture({"texture": target}, layout, size)
        return np.frombuffer(data, np.uint8).reshape(frame.height, frame.width, 4).copy()

    def _pipeline(self, text: DialectText) -> Any:
        module = self.gpu.create_shader_module(code=text.text_of(text.fragment))
        return self.gpu.create_render_pipeline(
            layout="auto",
            vertex={"module": module, "entry_point": text.vertex.entry},
            fragment={
                "module": module,
                "entry_point": text.fragment.entry,
                "targets": [{"format": "rgba8unorm"}],
            },
            primitive={"topology": "triangle-list"},
        )

    def _resources(self, frame: Frame) -> list[Any]:
        views = [self._view(frame, texture) for texture in frame.description.textures]
        sampler = self.gpu.create_sampler(mag_filter="linear", min_filter="linear")
        usage = self.wgpu.BufferUsage.UNIFORM
        block = self.gpu.create_buffer_with_data(data=uniform_block(frame), usage=usage)
        return [*views, sampler, {"buffer": block, "offset": 0, "size": block.size}]

    def _view(self, frame: Frame, texture: Texture) -> Any:
        texels = texels_of(frame, texture)
        sides = tuple(reversed(texels.shape[:-1]))
        size = (*sides, 1)[:3]
        usage = self.wgpu.TextureUsage.TEXTURE_BINDING | self.wgpu.TextureUsage.COPY_DST
        gpu_texture = self.gpu.create_texture(
            size=size, format=texture.format, dimension=texture.dimension, usage=usage
        )
        layout = {"bytes_per_row": sides[0] * 4 * texels.itemsize, "rows_per_image": sides[1]}
        self.gpu.queue.write_texture({"texture": gpu_texture}, texels, layout, size)
        return gpu_texture.create_view()
