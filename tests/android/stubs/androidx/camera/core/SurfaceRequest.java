package androidx.camera.core;

import androidx.core.util.Consumer;
import java.util.concurrent.Executor;

public final class SurfaceRequest {
  public android.util.Size getResolution() { throw new RuntimeException("stub"); }
  public boolean invalidate() { throw new RuntimeException("stub"); }
  public void provideSurface(android.view.Surface surface, Executor executor, Consumer<Result> listener) { throw new RuntimeException("stub"); }
  public void setTransformationInfoListener(Executor executor, TransformationInfoListener listener) { throw new RuntimeException("stub"); }

  public abstract static class Result {
  }

  public abstract static class TransformationInfo {
    public abstract int getRotationDegrees();
    public abstract boolean hasCameraTransform();
  }

  public interface TransformationInfoListener {
    void onTransformationInfoUpdate(TransformationInfo info);
  }
}
