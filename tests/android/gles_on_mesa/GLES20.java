package android.opengl;

import java.nio.Buffer;
import java.nio.IntBuffer;

/** Android's OpenGL ES, as far as the demo's `gl` package calls it, over this machine's libGLESv2. */
public class GLES20 {
  static { System.load(System.getProperty("edgekit.gles")); }

  public static final int GL_NO_ERROR = 0, GL_TRIANGLES = 4, GL_UNSIGNED_BYTE = 0x1401, GL_RGBA = 0x1908, GL_RGBA8 = 0x8058;
  public static final int GL_RGBA16F = 0x881A, GL_HALF_FLOAT = 0x140B;
  public static final int GL_NEAREST = 0x2600, GL_LINEAR = 0x2601, GL_LINEAR_MIPMAP_LINEAR = 0x2703;
  public static final int GL_TEXTURE_MAG_FILTER = 0x2800, GL_TEXTURE_MIN_FILTER = 0x2801;
  public static final int GL_TEXTURE_WRAP_S = 0x2802, GL_TEXTURE_WRAP_T = 0x2803, GL_TEXTURE_WRAP_R = 0x8072;
  public static final int GL_CLAMP_TO_EDGE = 0x812F, GL_TEXTURE_2D = 0x0DE1, GL_TEXTURE_3D = 0x806F, GL_TEXTURE0 = 0x84C0;
  public static final int GL_UNPACK_ALIGNMENT = 0x0CF5, GL_COLOR_BUFFER_BIT = 0x4000, GL_EXTENSIONS = 0x1F03;
  public static final int GL_RENDERER = 0x1F01, GL_VERSION = 0x1F02;
  public static final int GL_FRAGMENT_SHADER = 0x8B30, GL_VERTEX_SHADER = 0x8B31, GL_COMPILE_STATUS = 0x8B81, GL_LINK_STATUS = 0x8B82;
  public static final int GL_FRAMEBUFFER = 0x8D40, GL_COLOR_ATTACHMENT0 = 0x8CE0, GL_FRAMEBUFFER_COMPLETE = 0x8CD5;
  public static final int GL_PIXEL_PACK_BUFFER = 0x88EB, GL_STREAM_READ = 0x88E1, GL_MAP_READ_BIT = 1;
  public static final int GL_SYNC_GPU_COMMANDS_COMPLETE = 0x9117, GL_TIMEOUT_EXPIRED = 0x911B, GL_WAIT_FAILED = 0x911D;
  public static final int GL_QUERY_RESULT = 0x8866, GL_QUERY_RESULT_AVAILABLE = 0x8867;

  /** An OpenGL ES 3 context without a surface, current on this thread. False where there is none. */
  public static native boolean makeContext();

  /** Textures, framebuffers, buffers, shaders and programs that were made and not deleted. */
  public static native int alive();

  /** The camera's texture: what a texture holds, behind another of the external target. False where EGL cannot. */
  public static native boolean shareAsExternal(int texture, int external);

  public static native void glActiveTexture(int unit);
  public static native void glAttachShader(int program, int shader);
  public static native void glBeginQuery(int target, int query);
  public static native void glBindBuffer(int target, int buffer);
  public static native void glBindFramebuffer(int target, int framebuffer);
  public static native void glBindTexture(int target, int texture);
  public static native void glBufferData(int target, int size, Buffer data, int usage);
  public static native int glCheckFramebufferStatus(int target);
  public static native void glClear(int buffers);
  public static native void glClearColor(float red, float green, float blue, float alpha);
  public static native int glClientWaitSync(long sync, int flags, long timeout);
  public static native void glCompileShader(int shader);
  public static native int glCreateProgram();
  public static native int glCreateShader(int kind);
  public static native void glDeleteBuffers(int n, int[] names, int offset);
  public static native void glDeleteFramebuffers(int n, int[] names, int offset);
  public static native void glDeleteProgram(int program);
  public static native void glDeleteShader(int shader);
  public static native void glDeleteSync(long sync);
  public static native void glDeleteTextures(int n, int[] names, int offset);
  public static native void glDrawArrays(int mode, int first, int count);
  public static native void glEndQuery(int target);
  public static native long glFenceSync(int condition, int flags);
  public static native void glFinish();
  public static native void glFlush();
  public static native void glFramebufferTexture2D(int target, int attachment, int textarget, int texture, int level);
  public static native void glGenBuffers(int n, int[] names, int offset);
  public static native void glGenFramebuffers(int n, int[] names, int offset);
  public static native void glGenQueries(int n, int[] names, int offset);
  public static native void glGenTextures(int n, int[] names, int offset);
  public static native void glGenerateMipmap(int target);
  public static native int glGetError();
  public static native void glGetIntegerv(int what, int[] values, int offset);
  public static native String glGetProgramInfoLog(int program);
  public static native void glGetProgramiv(int program, int what, int[] values, int offset);
  public static native void glGetQueryObjectuiv(int query, int what, int[] values, int offset);
  public static native String glGetShaderInfoLog(int shader);
  public static native void glGetShaderiv(int shader, int what, int[] values, int offset);
  /** What the driver says, or what a driver of an older version without extensions would. */
  public static String glGetString(int what) {
    String version = System.getProperty("edgekit.gles.version");
    if (version == null) return driverString(what);
    return what == GL_VERSION ? version : "";
  }
  private static native String driverString(int what);
  public static native int glGetUniformLocation(int program, String name);
  public static native void glLinkProgram(int program);
  public static native Buffer glMapBufferRange(int target, int offset, int length, int access);
  public static native void glPixelStorei(int what, int value);
  public static native void glReadPixels(int x, int y, int width, int height, int format, int type, Buffer pixels);
  public static native void glReadPixels(int x, int y, int width, int height, int format, int type, int offset);
  public static native void glShaderSource(int shader, String text);
  public static native void glTexImage2D(int target, int level, int internal, int width, int height, int border, int format, int type, Buffer pixels);
  public static native void glTexImage3D(int target, int level, int internal, int width, int height, int depth, int border, int format, int type, Buffer pixels);
  public static native void glTexParameteri(int target, int what, int value);
  public static native void glUniform1f(int location, float value);
  public static native void glUniform1i(int location, int value);
  public static native void glUniformMatrix3fv(int location, int count, boolean transpose, float[] values, int offset);
  public static native boolean glUnmapBuffer(int target);
  public static native void glUseProgram(int program);
  public static native void glViewport(int x, int y, int width, int height);
}
