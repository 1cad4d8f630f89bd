#version 300 es
// One triangle that covers the screen; (0, 0) of v_uv is the top left corner of what is seen.
// glReadPixels returns rows from the bottom up.
out highp vec2 v_uv;
void main() {
  vec2 p = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  v_uv = vec2(p.x, 1.0 - p.y);
  gl_Position = vec4(p * 2.0 - 1.0, 0.0, 1.0);
}
