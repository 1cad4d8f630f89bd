import android.opengl.GLES20;
import dev.edgekit.core.BundleKt;
import dev.edgekit.core.Bundle;
import dev.edgekit.core.FolderFiles;
import dev.edgekit.core.Matrix3;
import dev.edgekit.core.NetworkInput;
import dev.edgekit.core.PassInputs;
import dev.edgekit.core.Picture;
import dev.edgekit.core.PixelSize;
import dev.edgekit.core.PixelsKt;
import dev.edgekit.core.SegmenterEntry;
import dev.edgekit.demo.bundle.GoldenPictureKt;
import dev.edgekit.demo.gl.Downscaler;
import dev.edgekit.demo.gl.DrawTimer;
import dev.edgekit.demo.gl.FusedPass;
import dev.edgekit.demo.gl.GlTarget;
import dev.edgekit.demo.gl.OffscreenContextKt;
import dev.edgekit.demo.gl.PixelFormat;
import dev.edgekit.demo.gl.StillPicture;
import dev.edgekit.demo.gl.StillPictureKt;
import dev.edgekit.demo.gl.GlTexture;
import dev.edgekit.demo.inference.GoldenProof;
import dev.edgekit.demo.inference.Segmenter;
import dev.edgekit.demo.inference.Segmenters;
import java.io.File;
import java.nio.ByteBuffer;
import java.util.Arrays;
import kotlin.Unit;

/** The app's own GL code, taken out of the APK, draws the golden picture. Prints what it found as JSON. */
public class DrawGolden {
  public static void main(String[] arguments) throws Exception {
    if (!GLES20.makeContext()) { System.out.println("{\"context\": false}"); return; }
    Bundle bundle = BundleKt.openBundle(new FolderFiles(new File(arguments[0])));
    Picture image = GoldenPictureKt.goldenPicture(bundle, bundle.getGolden().getImage());
    Picture expected = GoldenPictureKt.goldenPicture(bundle, bundle.getGolden().getStyled());
    SegmenterEntry entry = bundle.segmenter("tflite");
    Segmenter segmenter = Segmenters.INSTANCE.open(bundle, entry, "cpu", 2, new File("."));
    StillPicture still = new StillPicture(bundle, image, expected.getWidth(), expected.getHeight());
    Downscaler downscaler = new Downscaler(segmenter.getInputSize(), false);
    Matrix3 upright = Matrix3.Companion.getIDENTITY();
    PixelSize size = new PixelSize(image.getWidth(), image.getHeight());
    NetworkInput waited = downscaler.now(still.getTexture(), upright, size);
    downscaler.start(still.getTexture(), upright, size);
    NetworkInput polled = null;
    int polls = 0;
    for (; polled == null && polls < 10000; polls++) { polled = downscaler.poll(); if (polled == null) Thread.sleep(1); }
    boolean again = downscaler.poll() != null;
    GlTexture mask = StillPictureKt.maskTexture(segmenter.segment(polled).getMask());
    double[] timed = {0, 0};
    DrawTimer timer = new DrawTimer(ms -> { timed[0]++; timed[1] += (Double) ms; return Unit.INSTANCE; });
    for (int i = 0; i < 8; i++) {
      timer.time(() -> { still.draw(mask); return Unit.INSTANCE; });
      GLES20.glFinish();
    }
    int levels = PixelsKt.maxLevels(expected.getRgba(), still.pixels().getRgba());
    int resized = resized(bundle, image, expected, mask);
    int external = external(bundle, image, expected, mask);
    int[] over = drawnOver(bundle, image, expected, mask);
    GoldenProof proof = new GoldenProof(bundle, segmenter.getInputSize());
    double deltaE = proof.deltaE00P95(segmenter.segment(proof.getInput()).getMask());
    proof.close();
    mask.delete();
    downscaler.delete();
    still.close();
    if (GLES20.glGetError() != 0) throw new IllegalStateException("closing left an error");
    System.out.printf("{\"context\": true, \"driver\": \"%s\", \"delta_e00_p95\": %f, \"levels\": %d, \"resized_levels\": %d, \"external_levels\": %d, \"drawn_levels\": %d, \"drawn_change\": %d, \"alive\": %d, \"waited_equals\": %b, \"polled_equals\": %b, \"again\": %b, \"clock\": \"%s\", \"timed\": %d, \"ms\": %f}%n",
        OffscreenContextKt.gpuDriver(), deltaE, levels, resized, external, over[0], over[1], GLES20.alive(), Arrays.equals(bytes(waited.getRgba()), image.getRgba()), Arrays.equals(bytes(polled.getRgba()), image.getRgba()), again,
        timer.getClock(), (int) timed[0], timed[1]);
  }

  /** The golden picture again, after a photo of another shape through the same pass. */
  private static int resized(Bundle bundle, Picture image, Picture expected, GlTexture mask) {
    FusedPass pass = new FusedPass(bundle.shader(bundle.style(bundle.getGolden().getStyle())), false);
    int rows = image.getHeight() / 3;
    Picture strip = new Picture(image.getWidth(), rows, Arrays.copyOf(image.getRgba(), image.getWidth() * rows * 4));
    GlTexture stripTexture = StillPictureKt.pictureTexture(strip), texture = StillPictureKt.pictureTexture(image);
    drawn(pass, stripTexture, strip, expected, mask, null, bundle);
    Picture again = drawn(pass, texture, image, expected, mask, null, bundle);
    pass.delete();
    texture.delete();
    stripTexture.delete();
    return PixelsKt.maxLevels(expected.getRgba(), again.getRgba());
  }

  /** The golden picture as a camera delivers it, behind an external texture. */
  private static int external(Bundle bundle, Picture image, Picture expected, GlTexture mask) {
    FusedPass pass = new FusedPass(bundle.shader(bundle.style(bundle.getGolden().getStyle())), true);
    GlTexture texture = StillPictureKt.pictureTexture(image), camera = new GlTexture(GlTexture.Companion.getEXTERNAL(), true);
    if (!GLES20.shareAsExternal(texture.getId(), camera.getId())) throw new IllegalStateException("EGL shares no texture");
    Picture drawn = drawn(pass, camera, image, expected, mask, null, bundle);
    pass.delete();
    camera.delete();
    texture.delete();
    return PixelsKt.maxLevels(expected.getRgba(), drawn.getRgba());
  }

  /** The picture all drawn over as drawn_1: levels from one that is all background, and from the golden. */
  private static int[] drawnOver(Bundle bundle, Picture image, Picture expected, GlTexture mask) {
    FusedPass pass = new FusedPass(bundle.shader(bundle.style(bundle.getGolden().getStyle())), false);
    GlTexture texture = StillPictureKt.pictureTexture(image), all = texel(255), none = texel(0);
    Picture over = drawn(pass, texture, image, expected, mask, all, bundle);
    Picture background = drawn(pass, texture, image, expected, none, null, bundle);
    pass.delete();
    for (GlTexture each : new GlTexture[] {texture, all, none}) each.delete();
    return new int[] {PixelsKt.maxLevels(background.getRgba(), over.getRgba()), PixelsKt.maxLevels(expected.getRgba(), over.getRgba())};
  }

  private static GlTexture texel(int red) {
    return StillPictureKt.pictureTexture(new Picture(1, 1, new byte[] {(byte) red, 0, 0, (byte) 255}));
  }

  private static Picture drawn(FusedPass pass, GlTexture texture, Picture image, Picture size, GlTexture mask, GlTexture map, Bundle bundle) {
    GlTarget target = new GlTarget(size.getWidth(), size.getHeight(), PixelFormat.RGBA8);
    PixelSize output = new PixelSize(size.getWidth(), size.getHeight());
    PassInputs inputs = new PassInputs(bundle.getGolden().getControls(), StillPictureKt.getUNMOVED(),
        new PixelSize(image.getWidth(), image.getHeight()), output);
    pass.draw(texture, mask, inputs, map, () -> { target.bind(); return Unit.INSTANCE; });
    Picture pixels = target.pixels();
    target.delete();
    return pixels;
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] copy = new byte[buffer.capacity()];
    buffer.duplicate().get(copy);
    return copy;
  }
}
