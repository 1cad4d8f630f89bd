// JNI over libGLESv2 and a surfaceless EGL context: android.opengl.GLES30 for the JVM. See GLES20.java.
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES3/gl3.h>
#include <GLES2/gl2ext.h>
#include <jni.h>

#include <vector>

#define GL(result, name, ...) \
  extern "C" JNIEXPORT result JNICALL Java_android_opengl_GLES20_##name(JNIEnv* env, jclass, ##__VA_ARGS__)
#define PLAIN1(name) GL(void, name, jint a) { name(a); }
#define PLAIN2(name) GL(void, name, jint a, jint b) { name(a, b); }
#define PLAIN3(name) GL(void, name, jint a, jint b, jint c) { name(a, b, c); }
// Names go through a copy: the Java array may move. step: what one of them adds to those that are alive.
#define NAMES(name, step)                                                 \
  GL(void, name, jint n, jintArray names, jint offset) {                  \
    living += n * (step);                                                 \
    std::vector<jint> copy(n);                                            \
    env->GetIntArrayRegion(names, offset, n, copy.data());                \
    name(n, reinterpret_cast<GLuint*>(copy.data()));                      \
    env->SetIntArrayRegion(names, offset, n, copy.data());                \
  }
#define QUERY(name, type)                                                 \
  GL(void, name, jint object, jint what, jintArray values, jint offset) { \
    type value = 0;                                                       \
    name(object, what, &value);                                           \
    jint copy = static_cast<jint>(value);                                 \
    env->SetIntArrayRegion(values, offset, 1, &copy);                     \
  }

static int living = 0;

static void* address(JNIEnv* env, jobject buffer) {
  return buffer == nullptr ? nullptr : env->GetDirectBufferAddress(buffer);
}

GL(jboolean, makeContext) {
  EGLDisplay display = eglGetPlatformDisplay(0x31DD /* surfaceless, Mesa */, nullptr, nullptr);
  if (!eglInitialize(display, nullptr, nullptr)) return JNI_FALSE;
  eglBindAPI(EGL_OPENGL_ES_API);
  EGLint wanted[] = {EGL_RENDERABLE_TYPE, EGL_OPENGL_ES3_BIT, EGL_SURFACE_TYPE, 0, EGL_NONE};
  EGLConfig config;
  EGLint found = 0;
  eglChooseConfig(display, wanted, &config, 1, &found);
  EGLint version[] = {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_NONE};
  EGLContext context = eglCreateContext(display, config, EGL_NO_CONTEXT, version);
  return context != EGL_NO_CONTEXT && eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context);
}

PLAIN1(glActiveTexture) PLAIN2(glAttachShader) PLAIN2(glBeginQuery) PLAIN2(glBindBuffer) PLAIN2(glBindFramebuffer)
PLAIN2(glBindTexture) PLAIN1(glCompileShader) PLAIN3(glDrawArrays)
PLAIN1(glEndQuery) PLAIN1(glGenerateMipmap) PLAIN1(glLinkProgram) PLAIN2(glPixelStorei) PLAIN3(glTexParameteri)
PLAIN2(glUniform1i) PLAIN1(glUseProgram)
NAMES(glDeleteBuffers, -1) NAMES(glDeleteFramebuffers, -1) NAMES(glDeleteTextures, -1)
NAMES(glGenBuffers, 1) NAMES(glGenFramebuffers, 1) NAMES(glGenQueries, 0) NAMES(glGenTextures, 1)
QUERY(glGetProgramiv, GLint) QUERY(glGetShaderiv, GLint) QUERY(glGetQueryObjectuiv, GLuint)

GL(void, glBufferData, jint target, jint size, jobject data, jint usage) { glBufferData(target, size, address(env, data), usage); }
GL(jint, glCheckFramebufferStatus, jint target) { return glCheckFramebufferStatus(target); }
GL(void, glClear, jint buffers) { glClear(buffers); }
GL(void, glClearColor, jfloat r, jfloat g, jfloat b, jfloat a) { glClearColor(r, g, b, a); }
GL(jint, glClientWaitSync, jlong sync, jint flags, jlong timeout) { return glClientWaitSync(reinterpret_cast<GLsync>(sync), flags, timeout); }
GL(jint, alive) { return living; }
GL(jboolean, shareAsExternal, jint texture, jint external) {
  auto create = reinterpret_cast<PFNEGLCREATEIMAGEKHRPROC>(eglGetProcAddress("eglCreateImageKHR"));
  auto bind = reinterpret_cast<PFNGLEGLIMAGETARGETTEXTURE2DOESPROC>(eglGetProcAddress("glEGLImageTargetTexture2DOES"));
  if (create == nullptr || bind == nullptr) return JNI_FALSE;
  auto name = reinterpret_cast<EGLClientBuffer>(static_cast<intptr_t>(texture));
  EGLImageKHR image = create(eglGetCurrentDisplay(), eglGetCurrentContext(), EGL_GL_TEXTURE_2D_KHR, name, nullptr);
  glBindTexture(GL_TEXTURE_EXTERNAL_OES, external);
  bind(GL_TEXTURE_EXTERNAL_OES, image);
  return image != EGL_NO_IMAGE_KHR;
}
GL(jint, glCreateProgram) { living++; return glCreateProgram(); }
GL(void, glDeleteProgram, jint program) { living--; glDeleteProgram(program); }
GL(void, glDeleteShader, jint shader) { living--; glDeleteShader(shader); }
GL(jint, glCreateShader, jint kind) { living++; return glCreateShader(kind); }
GL(void, glDeleteSync, jlong sync) { glDeleteSync(reinterpret_cast<GLsync>(sync)); }
GL(jlong, glFenceSync, jint condition, jint flags) { return reinterpret_cast<jlong>(glFenceSync(condition, flags)); }
GL(void, glFinish) { glFinish(); }
GL(void, glFlush) { glFlush(); }
GL(void, glFramebufferTexture2D, jint a, jint b, jint c, jint d, jint e) { glFramebufferTexture2D(a, b, c, d, e); }
GL(jint, glGetError) { return glGetError(); }
GL(void, glGetIntegerv, jint what, jintArray values, jint offset) {
  GLint value = 0;
  glGetIntegerv(what, &value);
  env->SetIntArrayRegion(values, offset, 1, &value);
}
GL(jstring, glGetProgramInfoLog, jint program) {
  char text[8192] = "";
  glGetProgramInfoLog(program, sizeof text, nullptr, text);
  return env->NewStringUTF(text);
}
GL(jstring, glGetShaderInfoLog, jint shader) {
  char text[8192] = "";
  glGetShaderInfoLog(shader, sizeof text, nullptr, text);
  return env->NewStringUTF(text);
}
GL(jstring, driverString, jint what) { return env->NewStringUTF(reinterpret_cast<const char*>(glGetString(what))); }
GL(jint, glGetUniformLocation, jint program, jstring name) {
  const char* text = env->GetStringUTFChars(name, nullptr);
  jint location = glGetUniformLocation(program, text);
  env->ReleaseStringUTFChars(name, text);
  return location;
}
GL(jobject, glMapBufferRange, jint target, jint offset, jint length, jint access) {
  void* mapped = glMapBufferRange(target, offset, length, access);
  return mapped == nullptr ? nullptr : env->NewDirectByteBuffer(mapped, length);
}
extern "C" JNIEXPORT void JNICALL Java_android_opengl_GLES20_glReadPixels__IIIIIILjava_nio_Buffer_2(
    JNIEnv* env, jclass, jint x, jint y, jint w, jint h, jint format, jint type, jobject pixels) {
  glReadPixels(x, y, w, h, format, type, address(env, pixels));
}
extern "C" JNIEXPORT void JNICALL Java_android_opengl_GLES20_glReadPixels__IIIIIII(
    JNIEnv*, jclass, jint x, jint y, jint w, jint h, jint format, jint type, jint offset) {
  glReadPixels(x, y, w, h, format, type, reinterpret_cast<void*>(static_cast<intptr_t>(offset)));
}
GL(void, glShaderSource, jint shader, jstring source) {
  const char* text = env->GetStringUTFChars(source, nullptr);
  glShaderSource(shader, 1, &text, nullptr);
  env->ReleaseStringUTFChars(source, text);
}
GL(void, glTexImage2D, jint a, jint b, jint c, jint d, jint e, jint f, jint g, jint h, jobject pixels) {
  glTexImage2D(a, b, c, d, e, f, g, h, address(env, pixels));
}
GL(void, glTexImage3D, jint a, jint b, jint c, jint d, jint e, jint f, jint g, jint h, jint i, jobject pixels) {
  glTexImage3D(a, b, c, d, e, f, g, h, i, address(env, pixels));
}
GL(void, glUniform1f, jint location, jfloat value) { glUniform1f(location, value); }
GL(void, glUniformMatrix3fv, jint location, jint count, jboolean transpose, jfloatArray values, jint offset) {
  std::vector<jfloat> copy(9 * count);
  env->GetFloatArrayRegion(values, offset, 9 * count, copy.data());
  glUniformMatrix3fv(location, count, transpose, copy.data());
}
GL(jboolean, glUnmapBuffer, jint target) { return glUnmapBuffer(target); }
GL(void, glViewport, jint a, jint b, jint c, jint d) { glViewport(a, b, c, d); }
