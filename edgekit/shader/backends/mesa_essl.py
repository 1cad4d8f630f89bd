"""ESSL 3.00 on Mesa: OpenGL ES 3 through EGL without a surface, by ctypes alone."""

from __future__ import annotations

import ctypes as c
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.shader.backends.backend import BackendMissing, Drawn, Job
from edgekit.shader.description import DialectText, Stage, Texture
from edgekit.shader.oracle import Frame, texels_of

EGL_PLATFORM_SURFACELESS_MESA = 0x31DD
EGL_OPENGL_ES_API = 0x30A0
EGL_RENDERABLE_TYPE, EGL_OPENGL_ES3_BIT, EGL_SURFACE_TYPE, EGL_NONE = 0x3040, 0x40, 0x3033, 0x3038
EGL_CONTEXT_MAJOR_VERSION = 0x3098
GL_TEXTURE_2D, GL_TEXTURE_3D, GL_TEXTURE0 = 0x0DE1, 0x806F, 0x84C0
GL_RGBA, GL_RGBA8, GL_RGBA16F, GL_UNSIGNED_BYTE, GL_HALF_FLOAT = 0x1908, 0x8058, 0x881A, 0x1401, 0x140B
GL_MIN_FILTER, GL_MAG_FILTER, GL_NEAREST, GL_LINEAR = 0x2801, 0x2800, 0x2600, 0x2601
GL_WRAPS, GL_CLAMP_TO_EDGE = (0x2802, 0x2803, 0x8072), 0x812F
GL_VERTEX_SHADER, GL_FRAGMENT_SHADER, GL_COMPILE_STATUS, GL_LINK_STATUS = 0x8B31, 0x8B30, 0x8B81, 0x8B82
GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_FRAMEBUFFER_COMPLETE = 0x8D40, 0x8CE0, 0x8CD5
GL_TRIANGLES, GL_RENDERER, GL_VERSION = 4, 0x1F01, 0x1F02
UNPACK_ALIGNMENT = 0x0CF5
EGL_GL_TEXTURE_2D, GL_TEXTURE_EXTERNAL = 0x30B1, 0x8D65
OUTPUT_UNIT = 15

FORMATS = {"rgba8unorm": (GL_RGBA8, GL_UNSIGNED_BYTE), "rgba16float": (GL_RGBA16F, GL_HALF_FLOAT)}


@dataclass(frozen=True)
class _Draw:
    """One draw: a program, and the framebuffer of the texture that it draws into."""

    program: int
    framebuffer: c.c_uint
    width: int
    height: int


class MesaEssl:
    dialect = "essl300"

    def __init__(self) -> None:
        os.environ.setdefault("EGL_PLATFORM", "surfaceless")
        os.environ.setdefault("LP_NUM_THREADS", "2")
        try:
            self.egl, self.gl = c.CDLL("libEGL.so.1"), c.CDLL("libGLESv2.so.2")
        except OSError as error:
            raise BackendMissing(f"Mesa's EGL and GLES are missing ({error}).") from error
        self._make_context()
        self.gl.glGetString.restype = c.c_char_p
        self.device = ", ".join(self.gl.glGetString(what).decode() for what in (GL_RENDERER, GL_VERSION))

    def draw(self, jobs: Sequence[Job]) -> list[Drawn]:
        return [self.draw_timed(frame, text, repeats=0)[0] for frame, text in jobs]

    def draw_timed(self, frame: Frame, text: DialectText, repeats: int) -> tuple[Drawn, list[float]]:
        """The picture, and the milliseconds of `repeats` further draws, each with the passes before it."""
        gl = self.gl
        textures = [self._upload(frame, texture, i) for i, texture in enumerate(frame.description.textures)]
        output = self.empty_texture(frame.width, frame.height)
        draws = [
            *self._passes(frame, text, textures),
            _Draw(
                self._program(text, text.vertex, text.fragment, frame),
                self.framebuffer(output),
                frame.width,
                frame.height,
            ),
        ]
        self._timed(draws)
        times_ms = [self._timed(draws) for _ in range(repeats)]
        pixels = np.empty((frame.height, frame.width, 4), np.uint8)
        gl.glReadPixels(
            0, 0, frame.width, frame.height, GL_RGBA, GL_UNSIGNED_BYTE, c.c_void_p(pixels.ctypes.data)
        )
        self.require_no_error()
        for texture in (*textures, output):
            gl.glDeleteTextures(1, c.byref(texture))
        for draw in draws:
            gl.glDeleteFramebuffers(1, c.byref(draw.framebuffer))
            gl.glDeleteProgram(draw.program)
        return pixels[::-1].copy(), times_ms  # rows come from the bottom up

    def close(self) -> None:
        self.egl.eglMakeCurrent(self.display, None, None, None)
        self.egl.eglDestroyContext(self.display, self.context)

    def _passes(self, frame: Frame, text: DialectText, textures: list[c.c_uint]) -> list[_Draw]:
        """The draws before the fused one, into textures of the frame."""
        slots = [texture.name for texture in frame.description.textures]
        draws = []
        for each, stages in zip(frame.description.passes, text.passes, strict=True):
            program = self._program(text, stages.vertex, stages.fragment, frame)
            height, width = frame.drawn_shape(each.target)
            framebuffer = self.framebuffer(textures[slots.index(each.target)])
            draws.append(_Draw(program, framebuffer, width, height))
        return draws

    def _program(self, text: DialectText, vertex: Stage, fragment: Stage, frame: Frame) -> int:
        """The program of these stages, with its uniforms set."""
        program = self.program(text, vertex, fragment)
        self.gl.glUseProgram(program)
        self._set_uniforms(program, frame)
        return program

    def program(self, text: DialectText, vertex: Stage, fragment: Stage) -> int:
        gl = self.gl
        program: int = gl.glCreateProgram()
        for kind, stage in ((GL_VERTEX_SHADER, vertex), (GL_FRAGMENT_SHADER, fragment)):
            gl.glAttachShader(program, self.shader(kind, text.text_of(stage)))
        gl.glLinkProgram(program)
        self._require(gl.glGetProgramiv, gl.glGetProgramInfoLog, program, GL_LINK_STATUS)
        return program

    def shader(self, kind: int, source: str) -> int:
        gl = self.gl
        shader: int = gl.glCreateShader(kind)
        gl.glShaderSource(shader, 1, c.byref(c.c_char_p(source.encode())), None)
        gl.glCompileShader(shader)
        self._require(gl.glGetShaderiv, gl.glGetShaderInfoLog, shader, GL_COMPILE_STATUS)
        return shader

    def empty_texture(self, width: int, height: int) -> c.c_uint:
        return self._texture(OUTPUT_UNIT, GL_TEXTURE_2D, "rgba8unorm", (width, height), None, GL_LINEAR)

    def framebuffer(self, texture: c.c_uint) -> c.c_uint:
        gl, framebuffer = self.gl, c.c_uint()
        gl.glGenFramebuffers(1, c.byref(framebuffer))
        gl.glBindFramebuffer(GL_FRAMEBUFFER, framebuffer)
        gl.glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0)
        assert gl.glCheckFramebufferStatus(GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE
        return framebuffer

    def require_no_error(self) -> None:
        error = self.gl.glGetError()
        if error:
            raise RuntimeError(f"OpenGL ES error {error:#x}")

    def _make_context(self) -> None:
        egl = self.egl
        egl.eglGetPlatformDisplay.restype = c.c_void_p
        egl.eglGetPlatformDisplay.argtypes = [c.c_uint, c.c_void_p, c.c_void_p]
        egl.eglCreateContext.restype = c.c_void_p
        self.display = c.c_void_p(egl.eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA, None, None))
        if not egl.eglInitialize(self.display, None, None):
            raise BackendMissing("Mesa's EGL has no surfaceless display; libgl1-mesa-dri is missing.")
        egl.eglBindAPI(EGL_OPENGL_ES_API)
        config, found = c.c_void_p(), c.c_int()
        wanted = (c.c_int * 5)(EGL_RENDERABLE_TYPE, EGL_OPENGL_ES3_BIT, EGL_SURFACE_TYPE, 0, EGL_NONE)
        egl.eglChooseConfig(self.display, wanted, c.byref(config), 1, c.byref(found))
        version = (c.c_int * 3)(EGL_CONTEXT_MAJOR_VERSION, 3, EGL_NONE)
        self.context = c.c_void_p(egl.eglCreateContext(self.display, config, None, version))
        if not self.context or not egl.eglMakeCurrent(self.display, None, None, self.context):
            raise BackendMissing("Mesa gave no OpenGL ES 3 context; libgl1-mesa-dri is missing.")

    def _upload(self, frame: Frame, texture: Texture, unit: int) -> c.c_uint:
        if texture.role == "blurred":
            height, width = frame.drawn_shape(texture.name)
            return self._texture(unit, GL_TEXTURE_2D, texture.format, (width, height), None, GL_LINEAR)
        texels = texels_of(frame, texture)
        target = GL_TEXTURE_3D if texture.dimension == "3d" else GL_TEXTURE_2D
        sides = tuple(reversed(texels.shape[:-1]))
        magnification = GL_LINEAR if texture.filter == "linear" else GL_NEAREST
        return self._texture(unit, target, texture.format, sides, texels, magnification)

    def _texture(
        self,
        unit: int,
        target: int,
        texel_format: str,
        sides: tuple[int, ...],
        texels: np.ndarray | None,
        filtering: int,
    ) -> c.c_uint:
        gl, texture = self.gl, c.c_uint()
        internal, kind = FORMATS[texel_format]
        gl.glGenTextures(1, c.byref(texture))
        gl.glActiveTexture(GL_TEXTURE0 + unit)
        gl.glBindTexture(target, texture)
        gl.glPixelStorei(UNPACK_ALIGNMENT, 1)
        for parameter in (GL_MIN_FILTER, GL_MAG_FILTER):
            gl.glTexParameteri(target, parameter, filtering)
        for parameter in GL_WRAPS[: len(sides)]:
            gl.glTexParameteri(target, parameter, GL_CLAMP_TO_EDGE)
        upload = gl.glTexImage3D if target == GL_TEXTURE_3D else gl.glTexImage2D
        data = None if texels is None else c.c_void_p(texels.ctypes.data)
        upload(target, 0, internal, *sides, 0, GL_RGBA, kind, data)
        return texture

    def _set_uniforms(self, program: int, frame: Frame) -> None:
        gl = self.gl
        for unit, texture in enumerate(frame.description.textures):
            gl.glUniform1i(gl.glGetUniformLocation(program, texture.name.encode()), unit)
        values = frame.uniform_values()
        for uniform in frame.description.uniforms:
            location = gl.glGetUniformLocation(program, f"u_{uniform.name}".encode())
            value = values[uniform.name].astype(np.float32)
            if uniform.type == "float":
                gl.glUniform1f(location, c.c_float(value[0]))
            else:
                columns = np.ascontiguousarray(value.T)
                gl.glUniformMatrix3fv(location, 1, 0, c.c_void_p(columns.ctypes.data))

    def _timed(self, draws: Sequence[_Draw]) -> float:
        """Draw, and return the milliseconds that it took."""
        gl, start = self.gl, time.perf_counter()
        for draw in draws:
            gl.glUseProgram(draw.program)
            gl.glBindFramebuffer(GL_FRAMEBUFFER, draw.framebuffer)
            gl.glViewport(0, 0, draw.width, draw.height)
            gl.glDrawArrays(GL_TRIANGLES, 0, 3)
        gl.glFinish()
        return (time.perf_counter() - start) * 1e3

    def _require(self, status: c._CFuncPtr, log: c._CFuncPtr, thing: int, parameter: int) -> None:  # type: ignore[name-defined]
        good = c.c_int()
        status(thing, parameter, c.byref(good))
        if not good.value:
            text = c.create_string_buffer(8192)
            log(thing, 8192, None, text)
            raise RuntimeError(f"Mesa refuses the shader: {text.value.decode()}")


class MesaEsslExternal(MesaEssl):
    """Mesa with the camera as Android provides it: an EGLImage behind a samplerExternalOES."""

    dialect = "essl300-external"

    def __init__(self) -> None:
        super().__init__()
        self.egl.eglGetProcAddress.restype = c.c_void_p
        create, bind = (
            self.egl.eglGetProcAddress(name)
            for name in (b"eglCreateImageKHR", b"glEGLImageTargetTexture2DOES")
        )
        if not create or not bind:
            raise BackendMissing("this EGL cannot share images (EGL_KHR_image_base, GL_OES_EGL_image).")
        self.create_image = c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_void_p, c.c_uint, c.c_void_p, c.c_void_p)(
            create
        )
        self.bind_image = c.CFUNCTYPE(None, c.c_uint, c.c_void_p)(bind)

    def _upload(self, frame: Frame, texture: Texture, unit: int) -> c.c_uint:
        plain = super()._upload(frame, texture, unit)
        if texture.role != "camera":
            return plain
        image = self.create_image(self.display, self.context, EGL_GL_TEXTURE_2D, plain.value, None)
        if not image:
            raise RuntimeError("EGL made no image of the camera's texture")
        external = c.c_uint()
        self.gl.glGenTextures(1, c.byref(external))
        self.gl.glBindTexture(GL_TEXTURE_EXTERNAL, external)
        self.bind_image(GL_TEXTURE_EXTERNAL, image)
        for parameter in (GL_MIN_FILTER, GL_MAG_FILTER):
            self.gl.glTexParameteri(GL_TEXTURE_EXTERNAL, parameter, GL_LINEAR)
        self.require_no_error()
        return external
