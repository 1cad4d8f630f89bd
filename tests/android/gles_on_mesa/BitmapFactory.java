package android.graphics;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** Android's PNG decoder for the golden pictures, over the JDK's. */
public class BitmapFactory {
  public static class Options {
    public boolean inPremultiplied = true;
  }

  public static Bitmap decodeByteArray(byte[] data, int offset, int length, Options options) {
    if (options.inPremultiplied) throw new IllegalArgumentException("premultiplied pixels are not what was asked for");
    try {
      return new Bitmap(ImageIO.read(new ByteArrayInputStream(data, offset, length)));
    } catch (IOException error) {
      return null;
    }
  }
}
