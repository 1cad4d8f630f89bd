package androidx.camera.core;

public final class Preview extends UseCase {
  public interface SurfaceProvider {
    void onSurfaceRequested(SurfaceRequest request);
  }

  public static final class Builder {
    public Builder() { throw new RuntimeException("stub"); }
    public Builder setTargetRotation(int rotation) { throw new RuntimeException("stub"); }
    public Preview build() { throw new RuntimeException("stub"); }
  }

  public void setSurfaceProvider(java.util.concurrent.Executor executor, SurfaceProvider provider) { throw new RuntimeException("stub"); }
  public int getTargetRotation() { throw new RuntimeException("stub"); }
  public void setTargetRotation(int rotation) { throw new RuntimeException("stub"); }
}
