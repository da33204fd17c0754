// Draws regions of every kind of area as a person does in ImageJ, and says what ImageJ fills when it reads them: DrawRois ZIP RAW WIDTH
// HEIGHT. Region n (from 1) is alone on plane n of RAW: uint8 voxels, 255 inside.
import ij.gui.EllipseRoi;
import ij.gui.OvalRoi;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.RotatedRectRoi;
import ij.gui.ShapeRoi;
import ij.io.RoiDecoder;
import ij.io.RoiEncoder;
import ij.process.ImageProcessor;
import java.awt.Rectangle;
import java.io.FileOutputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

public class DrawRois {
  static PolygonRoi polygon(Random random, int corners, int type, int width, int height) {
    int[] x = new int[corners], y = new int[corners];
    for (int i = 0; i < corners; i++) {
      x[i] = random.nextInt(width + 1);
      y[i] = random.nextInt(height + 1);
    }
    return new PolygonRoi(x, y, corners, type);
  }

  static PolygonRoi fine(Random random, int corners, int width, int height) {
    float[] x = new float[corners], y = new float[corners];
    for (int i = 0; i < corners; i++) {
      x[i] = random.nextFloat() * width;
      y[i] = random.nextFloat() * height;
    }
    return new PolygonRoi(x, y, corners, Roi.POLYGON);
  }

  static Roi not(Roi outer, Roi inner) {
    return new ShapeRoi(outer).not(new ShapeRoi(inner));
  }

  public static void main(String[] a) throws Exception {
    int width = Integer.parseInt(a[2]), height = Integer.parseInt(a[3]);
    Random random = new Random(7);
    List<Roi> rois = new ArrayList<>();
    rois.add(new Roi(3, 4, 20, 11));
    rois.add(new Roi(-4, -3, 20, 11));
    for (int n = 1; n <= 40; n++) rois.add(new OvalRoi(random.nextInt(20), random.nextInt(20), n, 1 + random.nextInt(40)));
    for (int n = 3; n <= 30; n++) {
      rois.add(polygon(random, n, Roi.POLYGON, width, height));
      rois.add(polygon(random, n, Roi.FREEROI, width, height));
      rois.add(fine(random, n, width, height));
    }
    for (int n = 0; n < 40; n++) {
      double[] at = new double[5];
      for (int i = 0; i < 5; i++) at[i] = random.nextDouble() * width;
      rois.add(new RotatedRectRoi(at[0], at[1], at[2], at[3], 1 + at[4]));
      rois.add(new EllipseRoi(at[0], at[1], at[2], at[3], 0.1 + 0.9 * at[4] / width));
    }
    rois.add(new RotatedRectRoi(10, 10, 30, 10, 8));
    rois.add(new EllipseRoi(-5, 20, 45, 20, 0.5));
    rois.add(not(new Roi(2, 2, 30, 30), new Roi(10, 12, 5, 7)));
    rois.add(not(polygon(random, 8, Roi.POLYGON, width, height), new Roi(20, 20, 9, 9)));
    rois.add(new ShapeRoi(new Roi(1, 1, 9, 9)).or(new ShapeRoi(new Roi(20, 30, 7, 5))));
    try (ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(a[0]));
        FileOutputStream raw = new FileOutputStream(a[1])) {
      int n = 0;
      for (Roi roi : rois) {
        roi.setPosition(++n);
        zip.putNextEntry(new ZipEntry(String.format("%04d-%s.roi", n, roi.getTypeAsString())));
        byte[] bytes = RoiEncoder.saveAsByteArray(roi);
        zip.write(bytes);
        zip.closeEntry();
        byte[] plane = new byte[width * height];
        Roi read = new RoiDecoder(bytes, "roi").getRoi();
        ImageProcessor mask = read.getMask();
        Rectangle r = read.getBounds();
        for (int y = Math.max(0, -r.y); y < r.height && r.y + y < height; y++)
          for (int x = Math.max(0, -r.x); x < r.width && r.x + x < width; x++)
            if (mask == null || mask.get(x, y) != 0) plane[(r.y + y) * width + r.x + x] = (byte) 255;
        raw.write(plane);
      }
    }
  }
}
