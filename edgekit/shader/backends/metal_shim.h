// Just enough of <metal_stdlib> to compile edgekit's MSL as C++17 and run it on the CPU.
// It checks the maths and most of the syntax; what Apple's compiler accepts is for a Mac to say.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
namespace metal {
using uint = unsigned int;

template <class T, int N> struct vec;
// A swizzle shares its vector's storage and reads as a vector.
template <class T, int... I> struct swizzle {
  T d[4];
  operator vec<T, sizeof...(I)>() const { return vec<T, sizeof...(I)>(d[I]...); }
};
template <class T> struct vec<T, 2> {
  union { T d[2]; struct { T x, y; }; swizzle<T, 0, 1> xy; };
  vec() : d{0, 0} {}
  explicit vec(T a) : d{a, a} {}
  vec(T a, T b) : d{a, b} {}
  template <class U> explicit vec(const vec<U, 2>& o) : d{T(o.d[0]), T(o.d[1])} {}
};
template <class T> struct vec<T, 3> {
  union {
    T d[3]; struct { T x, y, z; };
    swizzle<T, 0, 1> xy; swizzle<T, 0, 1, 2> xyz; swizzle<T, 0, 2, 1> xzy; swizzle<T, 1, 0, 2> yxz;
    swizzle<T, 1, 2, 0> yzx; swizzle<T, 2, 0, 1> zxy; swizzle<T, 2, 1, 0> zyx;
  };
  vec() : d{0, 0, 0} {}
  explicit vec(T a) : d{a, a, a} {}
  vec(T a, T b, T c) : d{a, b, c} {}
  vec(vec<T, 2> v, T c) : d{v.x, v.y, c} {}
  vec(const vec& o) : d{o.d[0], o.d[1], o.d[2]} {}
  vec& operator=(const vec& o) { std::copy(o.d, o.d + 3, d); return *this; }
  template <class U> explicit vec(const vec<U, 3>& o) : d{T(o.d[0]), T(o.d[1]), T(o.d[2])} {}
};
template <class T> struct vec<T, 4> {
  union {
    T d[4]; struct { T x, y, z, w; };
    swizzle<T, 0, 1> xy; swizzle<T, 0, 1, 2> xyz; swizzle<T, 2, 1, 0> zyx;
  };
  vec() : d{0, 0, 0, 0} {}
  explicit vec(T a) : d{a, a, a, a} {}
  vec(T a, T b, T c, T e) : d{a, b, c, e} {}
  vec(vec<T, 3> v, T e) : d{v.d[0], v.d[1], v.d[2], e} {}
  vec(vec<T, 2> v, T c, T e) : d{v.x, v.y, c, e} {}
  vec(const vec& o) : d{o.d[0], o.d[1], o.d[2], o.d[3]} {}
  vec& operator=(const vec& o) { std::copy(o.d, o.d + 4, d); return *this; }
};
using float2 = vec<float, 2>; using float3 = vec<float, 3>; using float4 = vec<float, 4>;
using int2 = vec<int, 2>; using int3 = vec<int, 3>;
using uint2 = vec<uint, 2>; using uint3 = vec<uint, 3>;

#define EACH(V, T, N, op) \
  inline V operator op(V a, V b) { V o; for (int i = 0; i < N; ++i) o.d[i] = a.d[i] op b.d[i]; return o; }
#define WITH_SCALAR(V, T, op) \
  inline V operator op(V a, T b) { return a op V(b); } inline V operator op(T a, V b) { return V(a) op b; }
#define ALL_OF(op) \
  EACH(float2, float, 2, op) EACH(float3, float, 3, op) EACH(float4, float, 4, op) \
  WITH_SCALAR(float2, float, op) WITH_SCALAR(float3, float, op) WITH_SCALAR(float4, float, op) \
  EACH(int2, int, 2, op) EACH(int3, int, 3, op)
ALL_OF(+) ALL_OF(-) ALL_OF(*) ALL_OF(/)
#undef ALL_OF
#undef WITH_SCALAR
#undef EACH

inline float max(float a, float b) { return std::fmax(a, b); }
inline float min(float a, float b) { return std::fmin(a, b); }
inline float exp(float a) { return std::exp(a); }
#define MAP1(name, call) \
  inline float2 name(float2 a) { return {call(a.x), call(a.y)}; } \
  inline float3 name(float3 a) { return {call(a.x), call(a.y), call(a.z)}; }
MAP1(floor, std::floor) MAP1(abs, std::fabs)
#undef MAP1
#define MAP2(name) \
  inline float2 name(float2 a, float2 b) { return {name(a.x, b.x), name(a.y, b.y)}; } \
  inline float3 name(float3 a, float3 b) { return {name(a.x, b.x), name(a.y, b.y), name(a.z, b.z)}; }
MAP2(max) MAP2(min)
#undef MAP2
inline float3 clamp(float3 v, float3 l, float3 h) { return min(max(v, l), h); }
inline int2 clamp(int2 v, int2 l, int2 h) { return {std::clamp(v.x, l.x, h.x), std::clamp(v.y, l.y, h.y)}; }
inline float dot(float3 a, float3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline float dot(float4 a, float4 b) { return a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w; }

// Columns 16 bytes apart, as in a Metal buffer.
struct float3x3 { float columns[3][4]; };
inline float3 operator*(const float3x3& m, float3 v) {
  float3 o;
  for (int i = 0; i < 3; ++i) o.d[i] = m.columns[0][i] * v.x + m.columns[1][i] * v.y + m.columns[2][i] * v.z;
  return o;
}

enum class filter { nearest, linear };
enum class address { clamp_to_edge };
enum class coord { normalized };
struct sampler {
  filter f = filter::nearest;
  template <class... A> constexpr sampler(A... a) { (set(a), ...); }
  constexpr void set(filter x) { f = x; }
  constexpr void set(address) {}
  constexpr void set(coord) {}
};

// Four channels a texel, already floats; clamp to edge, exact fractions.
struct storage {
  const float* data = nullptr;
  int w = 1, h = 1, depth = 1;
  float4 at(int x, int y, int z) const {
    x = std::clamp(x, 0, w - 1); y = std::clamp(y, 0, h - 1); z = std::clamp(z, 0, depth - 1);
    const float* t = data + ((size_t(z) * h + y) * w + x) * 4;
    return {t[0], t[1], t[2], t[3]};
  }
  float4 get(filter f, float u, float v, float s) const {
    float x = u * w, y = v * h, z = s * depth;
    if (f == filter::nearest) return at(int(std::floor(x)), int(std::floor(y)), int(std::floor(z)));
    x -= .5f; y -= .5f; z -= .5f;
    float X = std::floor(x), Y = std::floor(y), Z = std::floor(z);
    float fx = x - X, fy = y - Y, fz = z - Z;
    int i = int(X), j = int(Y), k = int(Z);
    auto row = [&](int b, int c) { return at(i, b, c) * (1 - fx) + at(i + 1, b, c) * fx; };
    auto plane = [&](int c) { return row(j, c) * (1 - fy) + row(j + 1, c) * fy; };
    return depth == 1 ? plane(0) : plane(k) * (1 - fz) + plane(k + 1) * fz;
  }
};
template <class T> struct texture2d {
  storage s;
  float4 sample(sampler m, float2 c) const { return s.get(m.f, c.x, c.y, 0.5f); }
  float4 read(uint2 c, uint) const { return s.at(int(c.x), int(c.y), 0); }
  uint get_width() const { return uint(s.w); }
  uint get_height() const { return uint(s.h); }
};
template <class T> struct texture3d {
  storage s;
  float4 sample(sampler m, float3 c) const { return s.get(m.f, c.x, c.y, c.z); }
  float4 read(uint3 c, uint) const { return s.at(int(c.x), int(c.y), int(c.z)); }
};
}  // namespace metal
// Stages and address spaces are plain words in C++; [[texture(0)]] and its like only warn.
#define fragment
#define vertex
#define constant const
