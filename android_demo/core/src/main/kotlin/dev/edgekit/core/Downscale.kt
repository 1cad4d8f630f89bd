package dev.edgekit.core

/*
 * The small pass that makes the network's input on the GPU; the bundle holds only the pass that styles.
 */

/** Row 0 of the target, which `glReadPixels` hands over first, is the picture's top. */
const val DOWNSCALE_VERTEX = """#version 300 es
out highp vec2 v_uv;
void main() {
  vec2 p = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  v_uv = p;
  gl_Position = vec4(p * 2.0 - 1.0, 0.0, 1.0);
}
"""

/** The mean of four reads, each of which the texture unit already makes a mean of four. */
fun downscaleFragment(isExternal: Boolean): String {
    val extension = if (isExternal) "#extension GL_OES_EGL_image_external_essl3 : require\n" else ""
    val sampler = if (isExternal) "samplerExternalOES" else "sampler2D"
    return "#version 300 es\n" + extension + """precision highp float;
precision highp $sampler;
uniform $sampler u_image;
uniform mat3 u_image_from_upright;
uniform float u_tap_x;
uniform float u_tap_y;
in highp vec2 v_uv;
layout(location = 0) out vec4 o_color;

vec3 at(vec2 uv) {
  return texture(u_image, (u_image_from_upright * vec3(uv, 1.0)).xy).rgb;
}

void main() {
  vec2 tap = vec2(u_tap_x, u_tap_y);
  vec2 other = vec2(u_tap_x, -u_tap_y);
  vec3 sum = at(v_uv - tap) + at(v_uv + tap) + at(v_uv - other) + at(v_uv + other);
  o_color = vec4(sum * 0.25, 1.0);
}
"""
}

/** Half the distance of the four reads, as a fraction of the output: a quarter of an output pixel, so that up
 * to four source pixels a side are averaged; none where nothing is made smaller. */
fun tapOffset(sourceSide: Int, outputSide: Int): Float = if (sourceSide > outputSide) 0.25f / outputSide else 0f
