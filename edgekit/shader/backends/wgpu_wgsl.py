"""WGSL on wgpu-native (naga) over Vulkan; without a GPU that is Mesa's lavapipe."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.shader.backends.backend import BackendMissing, Drawn, Job
from edgekit.shader.description import DialectText, Stage, Texture
from edgekit.shader.oracle import Frame, texels_of
from edgekit.shader.upload import uniform_block

BINDING = re.compile(r"@binding\((\d+)\)")


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
        usage = wgpu.TextureUsage.RENDER_ATTACHMENT | wgpu.TextureUsage.COPY_SRC
        size = (frame.width, frame.height, 1)
        target = gpu.create_texture(size=size, format="rgba8unorm", usage=usage)
        resources = self._resources(frame)
        encoder = gpu.create_command_encoder()
        slots = [texture.name for texture in frame.description.textures]
        for each, stages in zip(frame.description.passes, text.passes, strict=True):
            at = slots.index(each.target)
            pipeline = self._pipeline(
                text, stages.vertex, stages.fragment, frame.description.textures[at].format
            )
            self._encode(encoder, pipeline, text.text_of(stages.fragment), resources, resources[at])
        pipeline = self._pipeline(text, text.vertex, text.fragment, "rgba8unorm")
        self._encode(encoder, pipeline, text.text_of(text.fragment), resources, target.create_view())
        gpu.queue.submit([encoder.finish()])
        layout = {"bytes_per_row": frame.width * 4, "rows_per_image": frame.height}
        data = gpu.queue.read_texture({"texture": target}, layout, size)
        return np.frombuffer(data, np.uint8).reshape(frame.height, frame.width, 4).copy()

    def _encode(
        self, encoder: Any, pipeline: Any, fragment: str, resources: Sequence[Any], target: Any
    ) -> None:
        """One draw into a texture's view, with the resources that its text declares."""
        group = self.gpu.create_bind_group(
            layout=pipeline.get_bind_group_layout(0),
            entries=[{"binding": i, "resource": resources[i]} for i in map(int, BINDING.findall(fragment))],
        )
        attachment = {"view": target, "load_op": "clear", "store_op": "store", "clear_value": (0, 0, 0, 0)}
        render = encoder.begin_render_pass(color_attachments=[attachment])
        render.set_pipeline(pipeline)
        render.set_bind_group(0, group)
        render.draw(3)
        render.end()

    def _pipeline(self, text: DialectText, vertex: Stage, fragment: Stage, texel_format: str) -> Any:
        module = self.gpu.create_shader_module(code=text.text_of(fragment))
        return self.gpu.create_render_pipeline(
            layout="auto",
            vertex={"module": module, "entry_point": vertex.entry},
            fragment={
                "module": module,
                "entry_point": fragment.entry,
                "targets": [{"format": texel_format}],
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
        usages = self.wgpu.TextureUsage
        if texture.role == "blurred":
            height, width = frame.drawn_shape(texture.name)
            usage = usages.TEXTURE_BINDING | usages.RENDER_ATTACHMENT
            drawn = self.gpu.create_texture(size=(width, height, 1), format=texture.format, usage=usage)
            return drawn.create_view()
        texels = texels_of(frame, texture)
        sides = tuple(reversed(texels.shape[:-1]))
        size = (*sides, 1)[:3]
        usage = usages.TEXTURE_BINDING | usages.COPY_DST
        gpu_texture = self.gpu.create_texture(
            size=size, format=texture.format, dimension=texture.dimension, usage=usage
        )
        layout = {"bytes_per_row": sides[0] * 4 * texels.itemsize, "rows_per_image": sides[1]}
        self.gpu.queue.write_texture({"texture": gpu_texture}, texels, layout, size)
        return gpu_texture.create_view()
