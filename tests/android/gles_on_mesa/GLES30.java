package android.opengl;

public class GLES30 extends GLES20 {
}
