package android.graphics;

import java.awt.image.BufferedImage;

public class Bitmap {
  private final BufferedImage image;

  Bitmap(BufferedImage image) { this.image = image; }

  public int getWidth() { return image.getWidth(); }
  public int getHeight() { return image.getHeight(); }
  public void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
    image.getRGB(x, y, width, height, pixels, offset, stride);
  }
  public void recycle() {}
}
