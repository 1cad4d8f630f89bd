// The sensor's picture, turned upright and stretched to the viewport: its part of the segmenter's input.
//
// A triangle filter as wide as the reduction (bilinear with antialiasing), the same as Pillow's
// Image.resize with BILINEAR, which edgekit prepares its pictures with. Draw three vertices, no vertex buffer.
#include <metal_stdlib>
using namespace metal;

struct StretchParams {
  int upright_width;
  int upright_height;
  int output_width;
  int output_height;
  int quarter_turns;  // clockwise, 0 to 3
};
struct StretchOut { float4 position [[position]]; float2 uv; };

// The texel of the sensor's picture that lies at (x, y) of the upright one.
static inline uint2 sensor_texel(int x, int y, int width, int height, int turns) {
  if (turns == 1) { return uint2(uint(y), uint(width - 1 - x)); }
  if (turns == 2) { return uint2(uint(width - 1 - x), uint(height - 1 - y)); }
  if (turns == 3) { return uint2(uint(height - 1 - y), uint(x)); }
  return uint2(uint(x), uint(y));
}

static inline float tent(float distance) {
  return max(0.0f, 1.0f - max(distance, -distance));
}

vertex StretchOut stretch_vertex(uint id [[vertex_id]]) {
  float2 p = float2(float((id << 1) & 2), float(id & 2));
  StretchOut o;
  o.uv = float2(p.x, 1.0 - p.y);
  o.position = float4(p * 2.0 - 1.0, 0.0, 1.0);
  return o;
}

fragment float4 stretch_fragment(
    StretchOut in [[stage_in]],
    texture2d<float> sensor [[texture(0)]],
    constant StretchParams& params [[buffer(0)]]) {
  int width = params.upright_width;
  int height = params.upright_height;
  float scale_x = float(width) / float(params.output_width);
  float scale_y = float(height) / float(params.output_height);
  float reach_x = max(scale_x, 1.0f);
  float reach_y = max(scale_y, 1.0f);
  float centre_x = in.uv.x * float(width);
  float centre_y = in.uv.y * float(height);
  int left = int(max(centre_x - reach_x + 0.5f, 0.0f));
  int top = int(max(centre_y - reach_y + 0.5f, 0.0f));
  int right = int(min(centre_x + reach_x + 0.5f, float(width)));
  int bottom = int(min(centre_y + reach_y + 0.5f, float(height)));
  float4 sum = float4(0.0f);
  float total = 0.0f;
  for (int y = top; y < bottom; ++y) {
    float weight_y = tent((float(y) + 0.5f - centre_y) / reach_y);
    for (int x = left; x < right; ++x) {
      float weight = weight_y * tent((float(x) + 0.5f - centre_x) / reach_x);
      sum = sum + sensor.read(sensor_texel(x, y, width, height, params.quarter_turns), 0) * weight;
      total = total + weight;
    }
  }
  return float4(sum.xyz / total, 1.0f);
}
